package sandbox

import (
	"encoding/json"
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

func lastSlash(s string) int { return strings.LastIndexByte(s, '/') }
