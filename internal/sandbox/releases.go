package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Limits of the operations on service deployments.
const (
	releasesMax         = 20
	releasesPageDefault = 20
)

type revisionSummaryJSON struct {
	Arn                              string   `json:"arn"`
	PendingTaskCount                 int      `json:"pendingTaskCount"`
	RequestedTaskCount               int      `json:"requestedTaskCount"`
	RunningTaskCount                 int      `json:"runningTaskCount"`
	RequestedProductionTrafficWeight *float64 `json:"requestedProductionTrafficWeight,omitempty"`
	RequestedTestTrafficWeight       *float64 `json:"requestedTestTrafficWeight,omitempty"`
}

type currentRevisionJSON struct {
	Arn                string `json:"arn"`
	PendingTaskCount   int    `json:"pendingTaskCount"`
	RequestedTaskCount int    `json:"requestedTaskCount"`
	RunningTaskCount   int    `json:"runningTaskCount"`
}

type breakerStateJSON struct {
	FailureCount int    `json:"failureCount"`
	Status       string `json:"status"`
	Threshold    int    `json:"threshold"`
}

type rollbackJSON struct {
	Reason             string  `json:"reason"`
	ServiceRevisionArn string  `json:"serviceRevisionArn"`
	StartedAt          float64 `json:"startedAt"`
}

type hookDetailJSON struct {
	ExpiresAt     float64 `json:"expiresAt"`
	HookID        string  `json:"hookId"`
	Status        string  `json:"status"`
	TargetType    string  `json:"targetType"`
	TimeoutAction string  `json:"timeoutAction"`
}

type releaseJSON struct {
	ClusterArn               string                      `json:"clusterArn"`
	CreatedAt                float64                     `json:"createdAt"`
	DeploymentCircuitBreaker breakerStateJSON            `json:"deploymentCircuitBreaker"`
	DeploymentConfiguration  deploymentConfigurationJSON `json:"deploymentConfiguration"`
	FinishedAt               float64                     `json:"finishedAt,omitempty"`
	LifecycleHookDetails     []hookDetailJSON            `json:"lifecycleHookDetails,omitempty"`
	LifecycleStage           string                      `json:"lifecycleStage,omitempty"`
	Rollback                 *rollbackJSON               `json:"rollback,omitempty"`
	ServiceArn               string                      `json:"serviceArn"`
	ServiceDeploymentArn     string                      `json:"serviceDeploymentArn"`
	SourceServiceRevisions   []revisionSummaryJSON       `json:"sourceServiceRevisions"`
	StartedAt                float64                     `json:"startedAt,omitempty"`
	Status                   string                      `json:"status"`
	StatusReason             string                      `json:"statusReason,omitempty"`
	StoppedAt                float64                     `json:"stoppedAt,omitempty"`
	TargetServiceRevision    revisionSummaryJSON         `json:"targetServiceRevision"`
	UpdatedAt                float64                     `json:"updatedAt"`
}

// releaseBriefJSON is a service deployment as ListServiceDeployments shows it.
type releaseBriefJSON struct {
	ClusterArn               string  `json:"clusterArn"`
	CreatedAt                float64 `json:"createdAt"`
	FinishedAt               float64 `json:"finishedAt,omitempty"`
	ServiceArn               string  `json:"serviceArn"`
	ServiceDeploymentArn     string  `json:"serviceDeploymentArn"`
	StartedAt                float64 `json:"startedAt,omitempty"`
	Status                   string  `json:"status"`
	StatusReason             string  `json:"statusReason,omitempty"`
	TargetServiceRevisionArn string  `json:"targetServiceRevisionArn"`
}

func fromSummary(r *ecsim.RevisionSummary) revisionSummaryJSON {
	out := revisionSummaryJSON{Arn: r.ARN, PendingTaskCount: r.Pending, RequestedTaskCount: r.Requested, RunningTaskCount: r.Running}
	if r.Weighted {
		out.RequestedProductionTrafficWeight, out.RequestedTestTrafficWeight = &r.Production, &r.Test
	}
	return out
}

func (s *Sandbox) releaseJSON(d *ecsim.ServiceDeployment) releaseJSON {
	out := releaseJSON{ClusterArn: s.world.ClusterARN(d.Ref.Region, d.Ref.Cluster), CreatedAt: epoch(d.CreatedAt), FinishedAt: epoch(d.FinishedAt),
		DeploymentCircuitBreaker: breakerStateJSON{d.Failures, "DISABLED", d.Threshold}, LifecycleStage: d.Stage,
		DeploymentConfiguration: fromConfig(fromBreaker(d.CircuitBreaker, d.Rollback, d.Breaker), d.MinimumHealthyPercent, d.MaximumPercent, &d.Rollout),
		ServiceArn:              s.world.ServiceARN(d.Ref), ServiceDeploymentArn: d.ARN, SourceServiceRevisions: []revisionSummaryJSON{},
		StartedAt: epoch(d.StartedAt), Status: d.Status, StatusReason: d.Reason, StoppedAt: epoch(d.StoppedAt),
		TargetServiceRevision: fromSummary(&d.Target), UpdatedAt: epoch(d.UpdatedAt)}
	for i := range d.Source {
		out.SourceServiceRevisions = append(out.SourceServiceRevisions, fromSummary(&d.Source[i]))
	}
	if d.CircuitBreaker {
		switch {
		case d.Failures >= d.Threshold:
			out.DeploymentCircuitBreaker.Status = "TRIGGERED"
		case d.FinishedAt.IsZero():
			out.DeploymentCircuitBreaker.Status = "MONITORING"
		default:
			out.DeploymentCircuitBreaker.Status = "MONITORING_COMPLETE"
		}
	}
	if !d.RolledBackAt.IsZero() {
		out.Rollback = &rollbackJSON{d.RollbackReason, d.RollbackRevision, epoch(d.RolledBackAt)}
	}
	for _, h := range d.Hooks {
		out.LifecycleHookDetails = append(out.LifecycleHookDetails, hookDetailJSON{epoch(h.Expires), h.ID, h.Status, "PAUSE", h.OnTimeout})
	}
	return out
}

type listReleasesInput struct {
	listInput
	Service   string   `json:"service"`
	Status    []string `json:"status"`
	CreatedAt *struct {
		After  float64 `json:"after"`
		Before float64 `json:"before"`
	} `json:"createdAt"`
}

type listReleasesOutput struct {
	ServiceDeployments []releaseBriefJSON `json:"serviceDeployments"`
	NextToken          string             `json:"nextToken,omitempty"`
}

func (s *Sandbox) listServiceDeployments(c *call, in *listReleasesInput) (*listReleasesOutput, error) {
	ref, err := s.serviceRef(c, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	all, err := s.world.ListServiceDeployments(ref)
	if err != nil {
		return nil, err
	}
	var keys []string // in the order of the answer: the newest first
	briefs := map[string]releaseBriefJSON{}
	for i := range all {
		d := &all[i]
		created := epoch(d.CreatedAt)
		if len(in.Status) > 0 && !slices.Contains(in.Status, d.Status) ||
			in.CreatedAt != nil && (created < in.CreatedAt.After || in.CreatedAt.Before > 0 && created > in.CreatedAt.Before) {
			continue
		}
		key := fmt.Sprintf("%020d %s", math.MaxInt64-d.CreatedAt.UnixNano(), d.ARN)
		keys = append(keys, key)
		briefs[key] = releaseBriefJSON{s.world.ClusterARN(ref.Region, ref.Cluster), created, epoch(d.FinishedAt), s.world.ServiceARN(d.Ref), d.ARN,
			epoch(d.StartedAt), d.Status, d.Reason, d.Target.ARN}
	}
	keys, next, err := in.pageOf(keys, releasesPageDefault)
	if err != nil {
		return nil, err
	}
	out := &listReleasesOutput{ServiceDeployments: []releaseBriefJSON{}, NextToken: next}
	for _, key := range keys {
		out.ServiceDeployments = append(out.ServiceDeployments, briefs[key])
	}
	return out, nil
}

// checkARNs validates the list of ARNs of a Describe call.
func checkARNs(member string, arns []string) error {
	if len(arns) == 0 || len(arns) > releasesMax {
		return ecsInvalid("%s must have 1 to %d elements.", member, releasesMax)
	}
	return nil
}

type describeReleasesOutput struct {
	ServiceDeployments []releaseJSON `json:"serviceDeployments"`
	Failures           []failureJSON `json:"failures"`
}

func (s *Sandbox) describeServiceDeployments(c *call, in *struct {
	ServiceDeploymentArns []string `json:"serviceDeploymentArns"`
}) (*describeReleasesOutput, error) {
	if err := checkARNs("serviceDeploymentArns", in.ServiceDeploymentArns); err != nil {
		return nil, err
	}
	found, missing := s.world.DescribeServiceDeployments(c.region, in.ServiceDeploymentArns)
	out := &describeReleasesOutput{ServiceDeployments: []releaseJSON{}, Failures: fromFailures(missing)}
	for i := range found {
		out.ServiceDeployments = append(out.ServiceDeployments, s.releaseJSON(&found[i]))
	}
	return out, nil
}

type releaseInput struct {
	ServiceDeploymentArn string `json:"serviceDeploymentArn"`
	StopType             string `json:"stopType"`
	HookID               string `json:"hookId"`
	Action               string `json:"action"`
}

type releaseOutput struct {
	ServiceDeploymentArn string `json:"serviceDeploymentArn"`
}

func (s *Sandbox) stopServiceDeployment(c *call, in *releaseInput) (*releaseOutput, error) {
	if in.StopType != "" && in.StopType != ecsim.RollbackDeployment {
		return nil, ecsInvalid("The stop type must be ROLLBACK (got %s)", clip(in.StopType))
	}
	return &releaseOutput{in.ServiceDeploymentArn}, s.world.StopServiceDeployment(c.region, in.ServiceDeploymentArn)
}

func (s *Sandbox) continueServiceDeployment(c *call, in *releaseInput) (*releaseOutput, error) {
	return &releaseOutput{in.ServiceDeploymentArn}, s.world.ContinueServiceDeployment(c.region, in.ServiceDeploymentArn, in.HookID, in.Action)
}

type resolvedJSON struct {
	LoadBalancers []resolvedBalancerJSON `json:"loadBalancers"`
}

type resolvedBalancerJSON struct {
	TargetGroupArn         string `json:"targetGroupArn"`
	ProductionListenerRule string `json:"productionListenerRule,omitempty"`
}

type imageJSON struct {
	ContainerName string `json:"containerName"`
	Image         string `json:"image,omitempty"`
}

type revisionJSON struct {
	CapacityProviderStrategy []strategyJSON  `json:"capacityProviderStrategy,omitempty"`
	ClusterArn               string          `json:"clusterArn"`
	ContainerImages          []imageJSON     `json:"containerImages"`
	CreatedAt                float64         `json:"createdAt"`
	GuardDutyEnabled         bool            `json:"guardDutyEnabled"`
	LaunchType               string          `json:"launchType,omitempty"`
	LoadBalancers            json.RawMessage `json:"loadBalancers"`
	NetworkConfiguration     json.RawMessage `json:"networkConfiguration,omitempty"`
	PlatformFamily           string          `json:"platformFamily"`
	PlatformVersion          string          `json:"platformVersion"`
	ResolvedConfiguration    *resolvedJSON   `json:"resolvedConfiguration,omitempty"`
	ServiceArn               string          `json:"serviceArn"`
	ServiceConnect           json.RawMessage `json:"serviceConnectConfiguration,omitempty"`
	VolumeConfigurations     json.RawMessage `json:"volumeConfigurations,omitempty"`
	ServiceRevisionArn       string          `json:"serviceRevisionArn"`
	TaskDefinition           string          `json:"taskDefinition"`
}

type describeRevisionsOutput struct {
	ServiceRevisions []revisionJSON `json:"serviceRevisions"`
	Failures         []failureJSON  `json:"failures"`
}

func (s *Sandbox) describeServiceRevisions(c *call, in *struct {
	ServiceRevisionArns []string `json:"serviceRevisionArns"`
}) (*describeRevisionsOutput, error) {
	if err := checkARNs("serviceRevisionArns", in.ServiceRevisionArns); err != nil {
		return nil, err
	}
	found, missing := s.world.DescribeServiceRevisions(c.region, in.ServiceRevisionArns)
	out := &describeRevisionsOutput{ServiceRevisions: []revisionJSON{}, Failures: fromFailures(missing)}
	for i := range found {
		out.ServiceRevisions = append(out.ServiceRevisions, s.revisionJSON(&found[i]))
	}
	return out, nil
}

func (s *Sandbox) revisionJSON(r *ecsim.ServiceRevision) revisionJSON {
	services, _, _ := s.world.DescribeServices(r.Ref.Region, r.Ref.Cluster, []string{r.Ref.Service}) // it is there: its revision is
	x := s.balancers(&services[0], s.extrasOf(&services[0]))
	container := s.container(r.Ref.Region, r.TaskDefinition)
	out := revisionJSON{CapacityProviderStrategy: fromStrategy(r.Strategy), ClusterArn: s.world.ClusterARN(r.Ref.Region, r.Ref.Cluster),
		ContainerImages: []imageJSON{{container.name, container.image}}, CreatedAt: epoch(r.CreatedAt), LoadBalancers: orEmptyList(x.LoadBalancers),
		NetworkConfiguration: x.NetworkConfiguration, PlatformFamily: "Linux", PlatformVersion: "1.4.0", ServiceArn: s.world.ServiceARN(r.Ref),
		ServiceRevisionArn: r.ARN, TaskDefinition: r.TaskDefinition, ServiceConnect: x.ServiceConnectConfiguration, VolumeConfigurations: x.VolumeConfigurations}
	if len(r.Strategy) == 0 {
		out.LaunchType = ecsim.Fargate
	}
	if r.TargetGroup != "" {
		out.ResolvedConfiguration = &resolvedJSON{[]resolvedBalancerJSON{{r.TargetGroup, r.Traffic.ProductionRule}}}
	}
	return out
}
