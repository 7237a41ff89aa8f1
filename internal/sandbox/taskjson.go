package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type attachmentJSON struct {
	ID      string      `json:"id"`
	Type    string      `json:"type"`
	Status  string      `json:"status"`
	Details []nameValue `json:"details"`
}

type interfaceJSON struct {
	AttachmentID       string `json:"attachmentId"`
	PrivateIPv4Address string `json:"privateIpv4Address"`
}

type containerJSON struct {
	ContainerArn      string          `json:"containerArn"`
	TaskArn           string          `json:"taskArn"`
	Name              string          `json:"name"`
	Image             string          `json:"image,omitempty"`
	ImageDigest       string          `json:"imageDigest,omitempty"`
	RuntimeID         string          `json:"runtimeId,omitempty"`
	LastStatus        string          `json:"lastStatus"`
	HealthStatus      string          `json:"healthStatus,omitempty"` // not in events
	ExitCode          *int            `json:"exitCode,omitempty"`
	Reason            string          `json:"reason,omitempty"`
	NetworkInterfaces []interfaceJSON `json:"networkInterfaces"`
	CPU               string          `json:"cpu"`
}

type overridesJSON struct {
	ContainerOverrides []containerOverrideJSON `json:"containerOverrides"`
}

type containerOverrideJSON struct {
	Name string `json:"name"`
}

type storageJSON struct {
	SizeInGiB int `json:"sizeInGiB"`
}

// taskJSON is a task: with times in epoch seconds as the API gives them, or in ISO 8601 as events carry them.
type taskJSON[T float64 | string] struct {
	Attachments          []attachmentJSON `json:"attachments"`
	Attributes           []nameValue      `json:"attributes"`
	AvailabilityZone     string           `json:"availabilityZone,omitempty"`
	CapacityProviderName string           `json:"capacityProviderName,omitempty"`
	ClusterArn           string           `json:"clusterArn"`
	Connectivity         string           `json:"connectivity,omitempty"`
	ConnectivityAt       T                `json:"connectivityAt,omitempty"`
	Containers           []containerJSON  `json:"containers"`
	CPU                  string           `json:"cpu"`
	CreatedAt            T                `json:"createdAt,omitempty"`
	DesiredStatus        string           `json:"desiredStatus"`
	EnableExecuteCommand bool             `json:"enableExecuteCommand"`
	EphemeralStorage     storageJSON      `json:"ephemeralStorage"`
	ExecutionStoppedAt   T                `json:"executionStoppedAt,omitempty"`
	Group                string           `json:"group"`
	HealthStatus         string           `json:"healthStatus,omitempty"` // not in events
	LaunchType           string           `json:"launchType"`
	LastStatus           string           `json:"lastStatus"`
	Memory               string           `json:"memory"`
	Overrides            any              `json:"overrides"`
	PlatformVersion      string           `json:"platformVersion"`
	PlatformFamily       string           `json:"platformFamily"`
	PullStartedAt        T                `json:"pullStartedAt,omitempty"`
	PullStoppedAt        T                `json:"pullStoppedAt,omitempty"`
	StartedAt            T                `json:"startedAt,omitempty"`
	StartedBy            string           `json:"startedBy,omitempty"`
	StopCode             string           `json:"stopCode,omitempty"`
	StoppedAt            T                `json:"stoppedAt,omitempty"`
	StoppedReason        string           `json:"stoppedReason,omitempty"`
	StoppingAt           T                `json:"stoppingAt,omitempty"`
	Tags                 []tagJSON        `json:"tags,omitempty"`
	TaskArn              string           `json:"taskArn"`
	TaskDefinitionArn    string           `json:"taskDefinitionArn"`
	UpdatedAt            T                `json:"updatedAt,omitempty"` // of events alone: the API's task has none
	Version              int              `json:"version"`
}

// containerOf is what a task definition says of its essential container.
type containerOf struct{ name, image string }

// container looks a revision's container up; revisions never change, so that it is remembered.
func (s *Sandbox) container(region, definition string) containerOf {
	if c, ok := s.containers[definition]; ok {
		return c
	}
	c := containerOf{name: "app"}
	name := definition[lastSlash(definition)+1:]
	if d, err := s.world.DescribeTaskDefinition(region, name); err == nil {
		c = containerOf{orDefault(d.Container, "app"), d.Image}
	}
	if len(s.containers) < containersMax {
		s.containers[definition] = c
	}
	return c
}

// containersMax bounds what container remembers.
const containersMax = 10_000

func newTaskJSON[T float64 | string](s *Sandbox, t *ecsim.Task, at func(time.Time) T) taskJSON[T] {
	container := s.container(t.Region, t.TaskDefinition)
	out := taskJSON[T]{Attachments: []attachmentJSON{}, Attributes: []nameValue{{"ecs.cpu-architecture", lowerArch(t.Arch)}}, AvailabilityZone: t.Zone,
		CapacityProviderName: t.Provider, ClusterArn: s.world.ClusterARN(t.Region, t.Cluster), CPU: strconv.Itoa(t.CPU), Memory: strconv.Itoa(t.Memory),
		CreatedAt: at(t.CreatedAt), DesiredStatus: string(t.DesiredStatus), EphemeralStorage: storageJSON{20}, ExecutionStoppedAt: at(t.ExecutionStoppedAt),
		Group: t.Group, LaunchType: ecsim.Fargate, LastStatus: string(t.LastStatus), Overrides: overridesJSON{[]containerOverrideJSON{{container.name}}},
		PlatformVersion: "1.4.0", PlatformFamily: "Linux", PullStartedAt: at(t.PullStartedAt), PullStoppedAt: at(t.PullStoppedAt), StartedAt: at(t.StartedAt),
		StartedBy: t.StartedBy, StopCode: t.StopCode, StoppedAt: at(t.StoppedAt), StoppedReason: t.StoppedReason, StoppingAt: at(t.StoppingAt),
		TaskArn: t.ARN, TaskDefinitionArn: t.TaskDefinition, Version: t.Version}
	if !t.PullStartedAt.IsZero() {
		out.Connectivity, out.ConnectivityAt = "CONNECTED", at(t.PullStartedAt)
	}
	in := containerJSON{ContainerArn: "arn:aws:ecs:" + t.Region + ":" + s.account() + ":container/" + t.Cluster + "/" + t.ID + "/" + t.ID[:min(8, len(t.ID))] + "-0000-4000-8000-000000000000",
		TaskArn: t.ARN, Name: container.name, Image: container.image, LastStatus: containerStatus(t), Reason: t.ContainerReason,
		NetworkInterfaces: []interfaceJSON{}, CPU: "0"}
	if t.Exited {
		in.ExitCode = &t.ExitCode
	}
	if !t.StartedAt.IsZero() {
		in.RuntimeID = t.ID + "-0000000001"
	}
	if t.Zone != "" {
		eni := newInterface(t)
		out.Attachments = append(out.Attachments, eni)
		if t.Address != 0 {
			in.NetworkInterfaces = append(in.NetworkInterfaces, interfaceJSON{eni.ID, t.PrivateIP()})
		}
	}
	out.Containers = []containerJSON{in}
	if t.Said != "" {
		var said saidJSON
		_ = json.Unmarshal([]byte(t.Said), &said) // written by said
		out.EnableExecuteCommand, out.PlatformVersion = said.EnableExecuteCommand, orDefault(said.PlatformVersion, out.PlatformVersion)
		if len(said.Overrides) > 0 {
			out.Overrides = said.Overrides
		}
	}
	return out
}

// newInterface invents the task's network interface, always the same one for the same task. In PROVISIONING there is none yet but in name.
func newInterface(t *ecsim.Task) attachmentJSON {
	n := t.Address
	status := "ATTACHED"
	switch t.LastStatus {
	case ecsim.Provisioning:
		status = "PRECREATED"
	case ecsim.Deprovisioning:
		status = "DETACHING"
	case ecsim.Stopped:
		status = "DELETED"
	}
	id := t.ID[:min(17, len(t.ID))]
	eni := attachmentJSON{ID: t.ID[:min(8, len(t.ID))] + "-0000-4000-8000-0000000000e1", Type: "eni", Status: status, Details: []nameValue{
		{"subnetId", "subnet-" + t.Zone[max(0, len(t.Zone)-1):]}}}
	if t.Address != 0 {
		eni.Details = append(eni.Details, nameValue{"networkInterfaceId", "eni-" + id},
			nameValue{"macAddress", fmt.Sprintf("0a:00:%02x:%02x:%02x:%02x", n>>24, n>>16&0xff, n>>8&0xff, n&0xff)}, nameValue{"privateIPv4Address", t.PrivateIP()})
	}
	return eni
}

func containerStatus(t *ecsim.Task) string {
	switch {
	case t.Exited || t.LastStatus == ecsim.Stopped:
		return "STOPPED"
	case t.StartedAt.IsZero():
		return "PENDING"
	default:
		return "RUNNING"
	}
}

func lowerArch(arch string) string {
	if arch == "ARM64" {
		return "arm64"
	}
	return "x86_64"
}

// setHealth sets what DescribeTasks shows of health: UNKNOWN for a task without a check.
func (t *taskJSON[T]) setHealth(health ecsim.HealthStatus) {
	t.HealthStatus = orDefault(string(health), string(ecsim.HealthUnknown))
	for i := range t.Containers {
		t.Containers[i].HealthStatus = t.HealthStatus
	}
}
