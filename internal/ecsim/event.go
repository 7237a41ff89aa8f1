package ecsim

import "time"

// EventKind is the detail-type of an event.
type EventKind uint8

// The events that the model sends.
const (
	TaskStateChange       EventKind = iota + 1 // "ECS Task State Change"; Task is set
	ServiceAction                              // "ECS Service Action"; Name, EventType, Provider, Reason
	DeploymentStateChange                      // "ECS Deployment State Change"; Name, EventType, DeploymentID, Reason
	APICall                                    // "AWS API Call via CloudTrail"; Name is the operation
	HookStateChange                            // "ECS Hook State Change"; Name, EventType, Hook
)

// DetailType returns the detail-type that EventBridge shows.
func (k EventKind) DetailType() string {
	switch k {
	case TaskStateChange:
		return "ECS Task State Change"
	case ServiceAction:
		return "ECS Service Action"
	case DeploymentStateChange:
		return "ECS Deployment State Change"
	case APICall:
		return "AWS API Call via CloudTrail"
	case HookStateChange:
		return "ECS Hook State Change"
	}
	return ""
}

// Names of service actions and deployment state changes that the model sends.
const (
	EventSteadyState          = "SERVICE_STEADY_STATE"
	EventPlacementFailure     = "SERVICE_TASK_PLACEMENT_FAILURE"
	EventStartImpaired        = "SERVICE_TASK_START_IMPAIRED"
	EventTasksStopped         = "TASKS_STOPPED"
	EventDeploymentInProgress = "SERVICE_DEPLOYMENT_IN_PROGRESS"
	EventDeploymentCompleted  = "SERVICE_DEPLOYMENT_COMPLETED"
	EventDeploymentFailed     = "SERVICE_DEPLOYMENT_FAILED"
)

// Event is one event as EventBridge delivers it. A duplicate equals its original but for DeliverAt.
type Event struct {
	ID           string // the envelope's id; the same in a duplicate
	Kind         EventKind
	At           time.Time // when it happened (the envelope's time)
	DeliverAt    time.Time // when it arrived
	Region       string
	Cluster      string // name
	Service      string // name; empty for a task of RunTask
	Task         *Task  // snapshot at At, for TaskStateChange; shared by duplicates, read only
	Name         string // eventName, or the operation of an APICall
	EventType    string // INFO, WARN or ERROR
	Provider     string // capacity provider of a placement failure
	Reason       string // e.g. RESOURCE:FARGATE, or the deployment's sentence
	DeploymentID string // ecs-svc/...
	Hook         *HookChange
}

// HookChange is what a HookStateChange says of a pause of a service deployment.
type HookChange struct {
	ID         string
	Stage      string // PRE_SCALE_UP and so on
	Deployment string // ARN of the service deployment
	Expires    time.Time
}

// ServiceARN returns the ARN of the event's service, or "" if it has none.
func (w *World) ServiceARN(r Ref) string {
	if r.Service == "" {
		return ""
	}
	return "arn:aws:ecs:" + r.Region + ":" + w.cfg.Account + ":service/" + r.Cluster + "/" + r.Service
}

// ClusterARN returns the ARN of a cluster.
func (w *World) ClusterARN(region, cluster string) string {
	return "arn:aws:ecs:" + region + ":" + w.cfg.Account + ":cluster/" + cluster
}
