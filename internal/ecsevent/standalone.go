package ecsevent

import (
	"encoding/json"
	"strings"
	"time"
)

// Standalone is a task of no service that has stopped, as its event tells. What the event does not carry is empty; it never carries tags.
type Standalone struct {
	Stop
	ARN string
	// Region, Account and Cluster (its name) say where it ran, Definition is the ARN of its revision.
	Region, Account, Cluster, Group, Definition string
	// CPU and Memory are its size, in CPU units (1024 to the vCPU) and MiB; 0: not told.
	CPU, Memory int
	ARM64       bool
	// PulledAt is from when on it is paid for; zero: its image was never pulled.
	PulledAt, StoppedAt time.Time
	// Exits are the exit codes of its containers, by name, of those that have one.
	Exits map[string]int
}

// standaloneDetail is what is read of it beside what every task has.
type standaloneDetail struct {
	taskDetail
	Definition text       `json:"taskDefinitionArn"`
	LaunchType text       `json:"launchType"`
	CPU        number     `json:"cpu"`
	Memory     number     `json:"memory"`
	PulledAt   timestamp  `json:"pullStartedAt"`
	StoppedAt  timestamp  `json:"stoppedAt"`
	Attributes attributes `json:"attributes"`
	Exits      exitCodes  `json:"containers"`
}

// ParseStandalone reads the event of a task of no service that has stopped. ok is false for every other message: [Parse] says what is wrong with one
// that is no event.
func ParseStandalone(body []byte) (t Standalone, ok bool) {
	if len(body) > bodyMax {
		return t, false
	}
	var env envelope
	if json.Unmarshal(Unwrap(body), &env) != nil || env.Source != "aws.ecs" || env.DetailType != "ECS Task State Change" {
		return t, false
	}
	var d standaloneDetail
	if env.detail(&d) != nil || !strings.EqualFold(string(d.LastStatus), "STOPPED") || d.TaskARN == "" || len(d.TaskARN) > nameMax || strings.HasPrefix(string(d.Group), "service:") {
		return t, false
	}
	if d.LaunchType != "" && !strings.EqualFold(string(d.LaunchType), "FARGATE") { // also of Spot tasks
		return t, false
	}
	t = Standalone{ARN: string(d.TaskARN), Group: string(d.Group), Definition: string(d.Definition), CPU: int(d.CPU), Memory: int(d.Memory), ARM64: bool(d.Attributes),
		PulledAt: d.PulledAt.Time, StoppedAt: firstTime(d.StoppedAt, d.UpdatedAt, env.Time), Exits: d.Exits}
	t.Stop = Stop{Code: string(d.StopCode), Reason: shorten(string(d.StoppedReason)), Capacity: providerName(string(d.CapacityProvider)), StartedAt: d.StartedAt.Time,
		LastStatus: string(d.LastStatus), Exited: len(d.Exits) > 0}
	if len(env.Account) == accountLength {
		t.Account = string(env.Account)
	}
	t.Region, t.Cluster = place(&env, string(d.ClusterARN), t.ARN)
	return t, true
}

// exitCodes are the exit codes of a task's containers by name.
type exitCodes map[string]int

func (x *exitCodes) UnmarshalJSON(b []byte) error {
	*x = nil
	var all []json.RawMessage
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	for _, raw := range all {
		var c struct {
			Name     text     `json:"name"`
			ExitCode *float64 `json:"exitCode"`
		}
		if json.Unmarshal(raw, &c) == nil && c.ExitCode != nil {
			if *x == nil {
				*x = exitCodes{}
			}
			(*x)[string(c.Name)] = int(*c.ExitCode)
		}
	}
	return nil
}

// attributes says whether a task's attributes name the ARM64 architecture.
type attributes bool

func (a *attributes) UnmarshalJSON(b []byte) error {
	*a = false
	var all []struct {
		Name  text `json:"name"`
		Value text `json:"value"`
	}
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	for _, one := range all {
		if strings.HasSuffix(string(one.Name), "cpu-architecture") && strings.EqualFold(string(one.Value), "arm64") {
			*a = true
		}
	}
	return nil
}
