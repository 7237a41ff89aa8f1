package ecsim

import "time"

// Capacity providers of Fargate.
const (
	Fargate     = "FARGATE"
	FargateSpot = "FARGATE_SPOT"
)

// Ref names one service.
type Ref struct{ Region, Cluster, Service string }

// StrategyItem is one entry of a capacity provider strategy.
type StrategyItem struct {
	Provider string // FARGATE or FARGATE_SPOT
	Base     int    // 0..100,000; at most one entry has one
	Weight   int    // 0..1000
}

// DeploymentConfig holds the limits of a rolling deployment. A nil field takes ECS's default.
type DeploymentConfig struct {
	MinimumHealthyPercent *int // default 100; rounded up
	MaximumPercent        *int // default 200; rounded down
	CircuitBreaker        bool
	Rollback              bool
	Breaker               BreakerLimit   // replaced together with CircuitBreaker and Rollback
	Rollout               *RolloutConfig // how deployments go; it takes the place of the one before as a whole
}

// Tag is a resource tag.
type Tag struct{ Key, Value string }

// CreateServiceInput is a CreateService call.
type CreateServiceInput struct {
	Cluster        string
	Name           string
	TaskDefinition string // family, family:revision or ARN
	Desired        int
	Strategy       []StrategyItem // empty: on-demand by launch type
	Zones          []string       // from the subnets; empty: the region's a, b and c
	Deployment     DeploymentConfig
	LoadBalanced   bool          // has a target group that is not in the model: FailHealthCheck can strike
	TargetGroups   []string      // ARNs; its tasks become targets in each
	ContainerPort  int           // of its targets; 0: the group's
	HealthGrace    time.Duration // healthCheckGracePeriod: health checks stop no task that has been RUNNING for less
	Traffic        TrafficConfig // of a load balanced service whose deployments shift traffic
	Rebalancing    bool          // availability zone rebalancing
	Tags           []Tag
	Raw            []byte // opaque to the model, given back by DescribeServices (the caller's other parameters)
}

// UpdateServiceInput is an UpdateService call; a nil field leaves things as they are.
type UpdateServiceInput struct {
	Desired            *int
	TaskDefinition     string         // empty: unchanged
	Strategy           []StrategyItem // with SetStrategy; changing it needs ForceNewDeployment
	SetStrategy        bool
	Deployment         *DeploymentConfig // its nil fields leave those values as they are; the breaker is replaced
	ForceNewDeployment bool
	Zones              []string // nil: unchanged; a change makes a new deployment
	Rebalancing        *bool
	TargetGroups       []string       // nil: unchanged; a change makes a new deployment
	ContainerPort      int            // 0: unchanged
	HealthGrace        *time.Duration // nil: unchanged
	Traffic            *TrafficConfig // nil: unchanged
	Raw                []byte         // nil: unchanged
}

// Service is a snapshot of one service as DescribeServices shows it.
type Service struct {
	Ref                   Ref
	ARN                   string
	Status                string // ACTIVE, DRAINING or INACTIVE
	Desired               int
	Running               int
	Pending               int
	TaskDefinition        string // ARN
	Strategy              []StrategyItem
	Zones                 []string
	MinimumHealthyPercent int
	MaximumPercent        int
	CircuitBreaker        bool
	Rollback              bool
	Breaker               BreakerLimit
	LoadBalanced          bool
	TargetGroups          []string // ARNs
	HealthGrace           time.Duration
	Rebalancing           bool
	Rollout               RolloutConfig
	Traffic               TrafficConfig
	CreatedAt             time.Time
	Deployments           []Deployment
	CurrentDeployment     string            // ARN of the service deployment that is not over, if there is one
	CurrentRevisions      []RevisionSummary // the living ones, the newest first
	Events                []ServiceMessage  // newest first, at most 100
	Tags                  []Tag
	Raw                   []byte
}

// Rollout states of a deployment.
const (
	RolloutInProgress = "IN_PROGRESS"
	RolloutCompleted  = "COMPLETED"
	RolloutFailed     = "FAILED"
)

// Deployment is one deployment of a service.
type Deployment struct {
	ID             string // ecs-svc/...
	Status         string // PRIMARY or ACTIVE
	TaskDefinition string
	Strategy       []StrategyItem
	Desired        int
	Running        int
	Pending        int
	Failed         int
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Rollout        string // IN_PROGRESS, COMPLETED or FAILED
	RolloutReason  string
}

// ServiceMessage is one line of a service's events.
type ServiceMessage struct {
	ID      string
	At      time.Time
	Message string
}
