package sandbox

import (
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

var ecsOperations = map[string]operation{
	"CreateCluster":               op(createCluster),
	"DeleteCluster":               op(deleteCluster),
	"DescribeClusters":            op(describeClusters),
	"ListClusters":                op((*Sandbox).listClusters),
	"UpdateCluster":               op(updateCluster),
	"UpdateClusterSettings":       op(updateCluster),
	"PutClusterCapacityProviders": op((*Sandbox).putClusterCapacityProviders),
	"DescribeCapacityProviders":   op((*Sandbox).describeCapacityProviders),

	"CreateService":    op((*Sandbox).createService),
	"UpdateService":    op((*Sandbox).updateService),
	"DeleteService":    op((*Sandbox).deleteService),
	"DescribeServices": op((*Sandbox).describeServices),
	"ListServices":     op((*Sandbox).listServices),

	"ListServiceDeployments":     op((*Sandbox).listServiceDeployments),
	"DescribeServiceDeployments": op((*Sandbox).describeServiceDeployments),
	"DescribeServiceRevisions":   op((*Sandbox).describeServiceRevisions),
	"StopServiceDeployment":      op((*Sandbox).stopServiceDeployment),
	"ContinueServiceDeployment":  op((*Sandbox).continueServiceDeployment),

	"ListTasks":            op((*Sandbox).listTasks),
	"DescribeTasks":        op((*Sandbox).describeTasks),
	"RunTask":              op((*Sandbox).runTask),
	"StopTask":             op((*Sandbox).stopTask),
	"UpdateTaskProtection": op((*Sandbox).updateTaskProtection),
	"GetTaskProtection":    op((*Sandbox).getTaskProtection),

	"RegisterTaskDefinition":     op((*Sandbox).registerTaskDefinition),
	"DeregisterTaskDefinition":   op((*Sandbox).deregisterTaskDefinition),
	"DescribeTaskDefinition":     op((*Sandbox).describeTaskDefinition),
	"ListTaskDefinitions":        op((*Sandbox).listTaskDefinitions),
	"ListTaskDefinitionFamilies": op((*Sandbox).listTaskDefinitionFamilies),
	"DeleteTaskDefinitions":      op((*Sandbox).deleteTaskDefinitions),
	"ExecuteCommand":             op((*Sandbox).executeCommand),
	"ListAccountSettings":        op(listAccountSettings),
	"PutAccountSetting":          op(putAccountSetting),
	"PutAccountSettingDefault":   op(putAccountSettingDefault),
	"DeleteAccountSetting":       op(deleteAccountSetting),

	"TagResource":         op((*Sandbox).tagResource),
	"UntagResource":       op((*Sandbox).untagResource),
	"ListTagsForResource": op((*Sandbox).listTagsForResource),
}

// Page sizes and list limits of the ECS API.
const (
	listPageMax         = 100
	servicesPageDefault = 10
	describeServicesMax = 10
	describeTasksMax    = 100
	describeClustersMax = 100
	protectionMax       = 10
	defaultCluster      = "default"
)

type clusterKey struct{ region, name string }

func ecsInvalid(format string, args ...any) *apiError {
	return refuse("InvalidParameterException", format, args...)
}

// nameOf takes a name or an ARN of the account and of the caller's region and returns the last part of it.
func (s *Sandbox) nameOf(c *call, nameOrARN string) (string, error) {
	rest, isARN := strings.CutPrefix(nameOrARN, "arn:")
	if !isARN {
		return nameOrARN, nil
	}
	parts := strings.SplitN(rest, ":", 5) // partition, service, region, account, resource
	if len(parts) != 5 || !strings.Contains(parts[4], "/") {
		return "", ecsInvalid("Invalid identifier: %s", clip(nameOrARN))
	}
	if parts[2] != c.region {
		return "", ecsInvalid("Invalid identifier: %s is not in the region %s", clip(nameOrARN), c.region)
	}
	if err := s.mustOwn(parts[3]); err != nil {
		return "", err
	}
	return parts[4][strings.LastIndexByte(parts[4], '/')+1:], nil
}

// mustOwn refuses what is another account's.
func (s *Sandbox) mustOwn(account string) error {
	if account != s.account() {
		return ecsInvalid("Invalid identifier: Identifier is for %s. Your accountId is %s", clip(account), s.account())
	}
	return nil
}

// nameIn is nameOf for a task or service of a cluster. An ARN of the old format names no cluster.
func (s *Sandbox) nameIn(c *call, cluster, nameOrARN string) (string, error) {
	name, err := s.nameOf(c, nameOrARN)
	if err != nil || !strings.HasPrefix(nameOrARN, "arn:") {
		return name, err
	}
	if parts := strings.Split(nameOrARN, "/"); len(parts) == 3 && parts[1] != cluster {
		return "", ecsInvalid("Invalid identifier: Identifier is for cluster %s. Your cluster is %s", clip(parts[1]), cluster)
	}
	return name, nil
}

func (s *Sandbox) namesIn(c *call, cluster string, namesOrARNs []string) ([]string, error) {
	return each(namesOrARNs, func(n string) (string, error) { return s.nameIn(c, cluster, n) })
}

func (s *Sandbox) namesOf(c *call, namesOrARNs []string) ([]string, error) {
	return each(namesOrARNs, func(n string) (string, error) { return s.nameOf(c, n) })
}

func each(namesOrARNs []string, name func(string) (string, error)) ([]string, error) {
	names := make([]string, len(namesOrARNs))
	for i, n := range namesOrARNs {
		var err error
		if names[i], err = name(n); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// cluster resolves the cluster a call is about; an empty one is ECS's default.
func (s *Sandbox) cluster(c *call, nameOrARN string) (string, error) {
	name, err := s.nameOf(c, nameOrARN)
	if err != nil {
		return "", err
	}
	if name == "" {
		name = defaultCluster
	}
	if s.deleted[clusterKey{c.region, name}] {
		return "", refuse("ClusterNotFoundException", "Cluster not found.")
	}
	return name, nil
}

type tagJSON struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func toTags(in []tagJSON) []ecsim.Tag {
	var tags []ecsim.Tag
	for _, t := range in {
		tags = append(tags, ecsim.Tag{Key: t.Key, Value: t.Value})
	}
	return tags
}

func fromTags(in []ecsim.Tag) []tagJSON {
	tags := make([]tagJSON, len(in))
	for i, t := range in {
		tags[i] = tagJSON{t.Key, t.Value}
	}
	return tags
}

type failureJSON struct {
	ARN    string `json:"arn,omitempty"`
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func fromFailures(in []ecsim.Failure) []failureJSON {
	failures := make([]failureJSON, len(in))
	for i, f := range in {
		failures[i] = failureJSON{f.ARN, f.Reason, f.Detail}
	}
	return failures
}

type listInput struct {
	Cluster       string `json:"cluster"`
	ServiceName   string `json:"serviceName"`
	Family        string `json:"family"`
	FamilyPrefix  string `json:"familyPrefix"`
	StartedBy     string `json:"startedBy"`
	DesiredStatus string `json:"desiredStatus"`
	Status        string `json:"status"`
	Sort          string `json:"sort"`
	MaxResults    *int   `json:"maxResults"`
	NextToken     string `json:"nextToken"`
}

// pageOf sorts and pages a list as ECS does; size is the page size without maxResults.
func (in *listInput) pageOf(items []string, size int) ([]string, string, error) {
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > listPageMax {
		return nil, "", ecsInvalid("maxResults must be between 1 and %d", listPageMax)
	}
	slices.Sort(items)
	items, next, err := page(items, size, in.NextToken)
	if err != nil {
		return nil, "", ecsInvalid("Invalid token: %s", clip(in.NextToken))
	}
	if items == nil {
		items = []string{}
	}
	return items, next, nil
}

type listClustersOutput struct {
	ClusterArns []string `json:"clusterArns"`
	NextToken   string   `json:"nextToken,omitempty"`
}

func (s *Sandbox) listClusters(c *call, in *listInput) (*listClustersOutput, error) {
	arns := slices.DeleteFunc(s.world.ListClusters(c.region), func(arn string) bool {
		return s.deleted[clusterKey{c.region, arn[strings.LastIndexByte(arn, '/')+1:]}]
	})
	arns, next, err := in.pageOf(arns, listPageMax)
	if err != nil {
		return nil, err
	}
	return &listClustersOutput{arns, next}, nil
}

type tagsInput struct {
	ResourceArn string    `json:"resourceArn"`
	Tags        []tagJSON `json:"tags"`
	TagKeys     []string  `json:"tagKeys"`
}

// mustOwn refuses the tags of another account's; what is no ARN the model refuses.
func (in *tagsInput) mustOwn(s *Sandbox) error {
	if parts := strings.SplitN(in.ResourceArn, ":", 6); len(parts) == 6 {
		return s.mustOwn(parts[4])
	}
	return nil
}

func (s *Sandbox) tagResource(_ *call, in *tagsInput) (empty, error) {
	if err := in.mustOwn(s); err != nil {
		return empty{}, err
	}
	return empty{}, s.world.TagResource(in.ResourceArn, toTags(in.Tags))
}

func (s *Sandbox) untagResource(_ *call, in *tagsInput) (empty, error) {
	if err := in.mustOwn(s); err != nil {
		return empty{}, err
	}
	return empty{}, s.world.UntagResource(in.ResourceArn, in.TagKeys)
}

type tagsOutput struct {
	Tags []tagJSON `json:"tags"`
}

func (s *Sandbox) listTagsForResource(_ *call, in *tagsInput) (*tagsOutput, error) {
	if err := in.mustOwn(s); err != nil {
		return nil, err
	}
	tags, err := s.world.ListTagsForResource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &tagsOutput{fromTags(tags)}, nil
}
