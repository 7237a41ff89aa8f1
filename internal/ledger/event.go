package ledger

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
)

// Event is what the watch reads of an event of ECS.
type Event struct {
	ID string
	At time.Time
	// Service is region/cluster/service; the cluster is empty in an old ARN.
	Service string
	// Name is the eventName of a service action or a deployment; empty: the event is of a task.
	Name, Reason, Deployment string
	Provider                 string // that a placement failure names; empty: none, or several
	Task                     Task
	// Raw is the event as it came; nil keeps no evidence.
	Raw json.RawMessage
}

// Task is the task of an event. Times are zero where the event has none.
type Task struct {
	ID, Provider              string
	Last, Desired             string // lastStatus and desiredStatus
	Code, Reason              string // stopCode and stoppedReason
	Version                   int64
	Created, Started          time.Time
	Stopping, Exited, Stopped time.Time // stoppingAt, executionStoppedAt and stoppedAt
}

// Names of the events that are read beside those of tasks.
const (
	placementFailure = "SERVICE_TASK_PLACEMENT_FAILURE"
	deploymentBegun  = "SERVICE_DEPLOYMENT_IN_PROGRESS"
	deploymentDone   = "SERVICE_DEPLOYMENT_COMPLETED"
	deploymentFailed = "SERVICE_DEPLOYMENT_FAILED"
)

// moment is a time in an event; one that is none is zero.
type moment struct{ time.Time }

// UnmarshalJSON reads RFC 3339.
func (m *moment) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		m.Time, _ = time.Parse(time.RFC3339, text)
	}
	return nil
}

type wireEvent struct {
	ID        string   `json:"id"`
	Source    string   `json:"source"`
	Type      string   `json:"detail-type"`
	Time      moment   `json:"time"`
	Region    string   `json:"region"`
	Resources []string `json:"resources"`
	Detail    struct {
		TaskARN    string   `json:"taskArn"`
		ClusterARN string   `json:"clusterArn"`
		Group      string   `json:"group"`
		Last       string   `json:"lastStatus"`
		Desired    string   `json:"desiredStatus"`
		Code       string   `json:"stopCode"`
		Stopped    string   `json:"stoppedReason"`
		Provider   string   `json:"capacityProviderName"`
		Version    int64    `json:"version"`
		CreatedAt  moment   `json:"createdAt"`
		StartedAt  moment   `json:"startedAt"`
		StoppingAt moment   `json:"stoppingAt"`
		ExitedAt   moment   `json:"executionStoppedAt"`
		StoppedAt  moment   `json:"stoppedAt"`
		UpdatedAt  moment   `json:"updatedAt"`
		Name       string   `json:"eventName"`
		Reason     string   `json:"reason"`
		Deployment string   `json:"deploymentId"`
		Providers  []string `json:"capacityProviderArns"`
	} `json:"detail"`
}

// ReadEvent reads an event as EventBridge hands it to a target, bare or in one envelope of SNS. ok is false for what is not an event of a service's.
func ReadEvent(body []byte) (e Event, ok bool) {
	body = ecsevent.Unwrap(body)
	var w wireEvent
	if json.Unmarshal(body, &w) != nil || w.Source != "aws.ecs" {
		return e, false
	}
	d := &w.Detail
	e = Event{ID: w.ID, At: w.Time.Time, Name: d.Name, Reason: d.Reason, Deployment: d.Deployment, Raw: body}
	cluster, service := ecsevent.ClusterName(d.ClusterARN), ""
	switch {
	case d.TaskARN != "":
		service, ok = ecsevent.ServiceOfGroup(d.Group)
		e.Task = Task{ID: ecsevent.TaskID(d.TaskARN), Provider: d.Provider, Last: d.Last, Desired: d.Desired, Code: d.Code, Reason: d.Stopped, Version: d.Version,
			Created: d.CreatedAt.Time, Started: d.StartedAt.Time, Stopping: d.StoppingAt.Time, Exited: d.ExitedAt.Time, Stopped: d.StoppedAt.Time}
	case d.Name != "" && len(w.Resources) > 0:
		service = ecsevent.ServiceName(w.Resources[0])
		ok = service != ""
		if parts := strings.Split(w.Resources[0], "/"); cluster == "" && len(parts) == 3 {
			cluster = parts[1]
		}
		if len(d.Providers) == 1 {
			e.Provider = d.Providers[0][strings.LastIndexByte(d.Providers[0], '/')+1:]
		}
		if !d.UpdatedAt.IsZero() {
			e.At = d.UpdatedAt.Time // finer than the envelope's
		}
	}
	e.Service = w.Region + "/" + cluster + "/" + service
	return e, ok && !e.At.IsZero()
}
