package sandbox

import (
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// envelope is an event as EventBridge hands it to a target.
type envelope struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     any      `json:"detail"`
}

type serviceActionDetail struct {
	EventType            string   `json:"eventType"`
	EventName            string   `json:"eventName"`
	ClusterArn           string   `json:"clusterArn"`
	CapacityProviderArns []string `json:"capacityProviderArns,omitempty"`
	Reason               string   `json:"reason,omitempty"`
	CreatedAt            string   `json:"createdAt"`
}

type deploymentDetail struct {
	EventType    string `json:"eventType"`
	EventName    string `json:"eventName"`
	DeploymentID string `json:"deploymentId"`
	UpdatedAt    string `json:"updatedAt"`
	Reason       string `json:"reason"`
}

type hookDetail struct {
	EventType            string `json:"eventType"`
	EventName            string `json:"eventName"`
	HookID               string `json:"hookId"`
	HookType             string `json:"hookType"`
	ExpiresAt            string `json:"expiresAt"`
	LifecycleStage       string `json:"lifecycleStage"`
	ClusterArn           string `json:"clusterArn"`
	ServiceArn           string `json:"serviceArn"`
	ServiceDeploymentArn string `json:"serviceDeploymentArn"`
	UpdatedAt            string `json:"updatedAt"`
}

// apiCallDetail is a CloudTrail record, as far as it names the call and its object.
type apiCallDetail struct {
	EventVersion      string            `json:"eventVersion"`
	EventTime         string            `json:"eventTime"`
	EventSource       string            `json:"eventSource"`
	EventName         string            `json:"eventName"`
	AWSRegion         string            `json:"awsRegion"`
	EventID           string            `json:"eventID"`
	EventType         string            `json:"eventType"`
	RequestParameters map[string]string `json:"requestParameters"`
}

// isoTime is a time as ECS's events carry it; "" for no time.
func isoTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// eventJSON is the JSON that EventBridge would give a target for an event of the model.
func (s *Sandbox) eventJSON(e *ecsim.Event) ([]byte, error) {
	cluster := s.world.ClusterARN(e.Region, e.Cluster)
	service := s.world.ServiceARN(ecsim.Ref{Region: e.Region, Cluster: e.Cluster, Service: e.Service})
	out := envelope{Version: "0", ID: e.ID, DetailType: e.Kind.DetailType(), Source: "aws.ecs", Account: s.account(),
		Time: e.At.UTC().Format("2006-01-02T15:04:05Z"), Region: e.Region, Resources: []string{service}}
	switch e.Kind {
	case ecsim.TaskStateChange:
		out.Resources = []string{e.Task.ARN}
		detail := newTaskJSON(s, e.Task, isoTime)
		detail.UpdatedAt = isoTime(e.Task.UpdatedAt)
		out.Detail = &detail
	case ecsim.ServiceAction:
		detail := serviceActionDetail{EventType: e.EventType, EventName: e.Name, ClusterArn: cluster, Reason: e.Reason, CreatedAt: isoTime(e.At)}
		if e.Provider != "" {
			detail.CapacityProviderArns = []string{s.providerARN(e.Region, e.Provider)}
		}
		out.Detail = detail
	case ecsim.DeploymentStateChange:
		out.Detail = deploymentDetail{e.EventType, e.Name, e.DeploymentID, isoTime(e.At), e.Reason}
	case ecsim.HookStateChange:
		h := e.Hook
		out.Resources = []string{h.Deployment}
		out.Detail = hookDetail{e.EventType, e.Name, h.ID, "PAUSE", isoTime(h.Expires), h.Stage, cluster, service, h.Deployment, isoTime(e.At)}
	case ecsim.APICall:
		key := "service"
		if e.Name == "CreateService" {
			key = "serviceName"
		}
		out.Resources = []string{}
		out.Detail = apiCallDetail{EventVersion: "1.08", EventTime: out.Time, EventSource: "ecs.amazonaws.com", EventName: e.Name,
			AWSRegion: e.Region, EventID: e.ID, EventType: "AwsApiCall", RequestParameters: map[string]string{"cluster": e.Cluster, key: e.Service}}
	}
	return json.Marshal(out)
}

// deliverLocked puts the events that have arrived into the events queue, through the trouble that
// SetDelivery adds.
func (s *Sandbox) deliverLocked() {
	s.events = s.world.DrainTo(s.events[:0])
	if len(s.events) == 0 {
		return
	}
	q := s.queues[EventsQueue]
	for i := range s.events {
		e := &s.events[i]
		if q == nil {
			continue // deleted by its owner: events go nowhere, as with a rule whose target is gone
		}
		body, err := s.eventJSON(e)
		if err != nil {
			s.log.Error("event not encoded", slog.String("event_id", e.ID), slog.Any("error", err))
			continue
		}
		at := e.DeliverAt
		if at.IsZero() {
			at = e.At
		}
		s.deliver(q, string(body), at)
	}
	clear(s.events) // lets the tasks go
}

// Trouble is trouble on the way of events to the events queue, on top of what the model was configured with.
type Trouble struct {
	LostShare      float64 `json:"lost_share"`      // never delivered; AWS promises at least once
	DuplicateShare float64 `json:"duplicate_share"` // delivered twice
	LateShare      float64 `json:"late_share"`      // held back
	LateSeconds    float64 `json:"late_seconds"`    // by up to this long, virtual; the second of a duplicate too
	Paused         bool    `json:"paused"`          // everything is lost, as with a disabled rule
}

// SetDelivery sets the trouble that later events meet.
func (s *Sandbox) SetDelivery(t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = t
}

func (s *Sandbox) deliver(q *queue, body string, at time.Time) {
	t := &s.trouble
	strikes := func(share float64) bool { return share > 0 && s.rand.Float64() < share }
	late := func() time.Duration {
		return time.Duration(s.rand.Float64() * t.LateSeconds * float64(time.Second))
	}
	if t.Paused || strikes(t.LostShare) {
		return
	}
	copies := 1
	if strikes(t.DuplicateShare) {
		copies = 2
	}
	for i := range copies {
		visible := at
		if i > 0 || strikes(t.LateShare) {
			visible = visible.Add(late())
		}
		s.enqueue(q, s.newMessage(body, at, visible))
	}
}

func lastSlash(s string) int { return strings.LastIndexByte(s, '/') }
