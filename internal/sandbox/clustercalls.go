package sandbox

import (
	"encoding/json"
	"slices"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// insights is the one setting that a cluster has.
const insights = "containerInsights"

type clusterSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// clusterKept is what a cluster keeps and shows though nothing in the sandbox depends on it.
type clusterKept struct {
	insights      string // empty: the account's setting of the time it was made
	configuration json.RawMessage
	connect       json.RawMessage
}

type clusterJSON struct {
	ClusterArn                        string           `json:"clusterArn"`
	ClusterName                       string           `json:"clusterName"`
	Status                            string           `json:"status"`
	RegisteredContainerInstancesCount int              `json:"registeredContainerInstancesCount"`
	RunningTasksCount                 int              `json:"runningTasksCount"`
	PendingTasksCount                 int              `json:"pendingTasksCount"`
	ActiveServicesCount               int              `json:"activeServicesCount"`
	Statistics                        []empty          `json:"statistics"`
	Tags                              []tagJSON        `json:"tags"`
	Settings                          []clusterSetting `json:"settings"`
	Configuration                     json.RawMessage  `json:"configuration,omitempty"`
	ServiceConnectDefaults            json.RawMessage  `json:"serviceConnectDefaults,omitempty"`
	CapacityProviders                 []string         `json:"capacityProviders"`
	DefaultCapacityProviderStrategy   []strategyJSON   `json:"defaultCapacityProviderStrategy"`
}

// clusterShown is a cluster with everything that a call may ask for.
func clusterShown(s *Sandbox, c ecsim.Cluster) clusterJSON {
	key := clusterKey{c.Region, c.Name}
	status := c.Status
	if s.deleted[key] {
		status = "INACTIVE"
	}
	of, kept := s.providersOf(c.Region, c.Name), s.kept[key]
	return clusterJSON{ClusterArn: c.ARN, ClusterName: c.Name, Status: status, RunningTasksCount: c.Running, PendingTasksCount: c.Pending,
		ActiveServicesCount: c.ActiveServices, Statistics: []empty{}, Tags: fromTags(c.Tags), CapacityProviders: of.names, DefaultCapacityProviderStrategy: of.standard,
		Settings: []clusterSetting{{insights, orDefault(kept.insights, settingDefaults[insights])}}, Configuration: kept.configuration, ServiceConnectDefaults: kept.connect}
}

type clusterInput struct {
	Cluster     string    `json:"cluster"`
	ClusterName string    `json:"clusterName"`
	Tags        []tagJSON `json:"tags"`

	CapacityProviders               []string       `json:"capacityProviders"`
	DefaultCapacityProviderStrategy []strategyJSON `json:"defaultCapacityProviderStrategy"`

	Settings               []clusterSetting `json:"settings"`
	Configuration          json.RawMessage  `json:"configuration"`
	ServiceConnectDefaults json.RawMessage  `json:"serviceConnectDefaults"`
}

// keep returns what a cluster keeps after a call: what the call does not name stays.
func (in *clusterInput) keep(kept clusterKept) (clusterKept, error) {
	for _, one := range in.Settings {
		switch {
		case one.Name != insights:
			return kept, ecsInvalid("Invalid parameter: a cluster has no setting %s", clip(one.Name))
		case !slices.Contains(settingValues[insights], one.Value):
			return kept, ecsInvalid("Invalid parameter: the value of %s must be one of %v (got %s)", insights, settingValues[insights], clip(one.Value))
		}
		kept.insights = one.Value
	}
	if named(in.Configuration) {
		kept.configuration = in.Configuration
	}
	if named(in.ServiceConnectDefaults) {
		kept.connect = in.ServiceConnectDefaults
	}
	return kept, nil
}

type clusterOutput struct {
	Cluster clusterJSON `json:"cluster"`
}

func createCluster(s *Sandbox, c *call, in *clusterInput) (*clusterOutput, error) {
	if in.ClusterName == "" {
		in.ClusterName = defaultCluster
	}
	if err := in.checkProviders(); err != nil {
		return nil, err
	}
	key := clusterKey{c.region, in.ClusterName}
	kept, err := in.keep(clusterKept{insights: s.settings.effective(settingKey{c.region, callerARN(s), insights}, rootARN(s))})
	if err != nil {
		return nil, err
	}
	made, err := s.world.CreateCluster(c.region, in.ClusterName, toTags(in.Tags))
	if err != nil {
		return nil, err
	}
	if _, exists := s.kept[key]; !exists || s.deleted[key] { // one that is there stays as it is
		s.kept[key] = kept
	}
	if in.CapacityProviders != nil && (s.deleted[key] || s.providers[key] == nil) {
		s.associate(key, in)
	}
	delete(s.deleted, key)
	return &clusterOutput{clusterShown(s, made)}, nil
}

// deleteCluster hides the cluster from then on. The model keeps it, so that making it again finds it empty.
func deleteCluster(s *Sandbox, c *call, in *clusterInput) (*clusterOutput, error) {
	name, found, err := clusterOf(s, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	switch {
	case found.ActiveServices > 0:
		return nil, refuse("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
	case found.Running+found.Pending > 0:
		return nil, refuse("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
	}
	s.deleted[clusterKey{c.region, name}] = true
	return &clusterOutput{clusterShown(s, found)}, nil
}

// updateCluster answers UpdateCluster and UpdateClusterSettings.
func updateCluster(s *Sandbox, c *call, in *clusterInput) (*clusterOutput, error) {
	name, found, err := clusterOf(s, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	key := clusterKey{c.region, name}
	kept, err := in.keep(s.kept[key])
	if err != nil {
		return nil, err
	}
	s.kept[key] = kept
	return &clusterOutput{clusterShown(s, found)}, nil
}

// clusterOf finds the cluster that a call is about, by its name or ARN.
func clusterOf(s *Sandbox, c *call, nameOrARN string) (name string, found ecsim.Cluster, err error) {
	if name, err = s.cluster(c, nameOrARN); err != nil {
		return "", found, err
	}
	all, _ := s.world.DescribeClusters(c.region, []string{name})
	if len(all) == 0 {
		return "", found, refuse("ClusterNotFoundException", "Cluster not found.")
	}
	return name, all[0], nil
}

// mustExist refuses a cluster that was never made, before anything else is said of a call.
func mustExist(s *Sandbox, region, cluster string) error {
	if found, _ := s.world.DescribeClusters(region, []string{cluster}); len(found) == 0 {
		return refuse("ClusterNotFoundException", "Cluster not found.")
	}
	return nil
}

type describeClustersOutput struct {
	Clusters []clusterJSON `json:"clusters"`
	Failures []failureJSON `json:"failures"`
}

// describeClusters shows tags, settings and configurations where they are asked for, as ECS does.
func describeClusters(s *Sandbox, c *call, in *struct {
	Clusters []string `json:"clusters"`
	Include  []string `json:"include"`
}) (*describeClustersOutput, error) {
	if len(in.Clusters) > describeClustersMax {
		return nil, ecsInvalid("Clusters cannot have more than %d elements.", describeClustersMax)
	}
	names, err := s.namesOf(c, in.Clusters)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = []string{defaultCluster}
	}
	found, failures := s.world.DescribeClusters(c.region, names)
	out := &describeClustersOutput{Clusters: []clusterJSON{}, Failures: fromFailures(failures)}
	for _, f := range found {
		shown := clusterShown(s, f)
		if !includesTags(in.Include) {
			shown.Tags = []tagJSON{}
		}
		if !slices.Contains(in.Include, "SETTINGS") {
			shown.Settings = []clusterSetting{}
		}
		if !slices.Contains(in.Include, "CONFIGURATIONS") {
			shown.Configuration = nil
		}
		out.Clusters = append(out.Clusters, shown)
	}
	return out, nil
}
