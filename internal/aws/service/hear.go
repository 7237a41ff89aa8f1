package service

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// believedFor is for how long what was told or read of a task that is changing is believed where calls are short: its next event is on
// its way by then.
const believedFor = 5 * time.Second

// taskEvent is a task state change: it carries the whole task as DescribeTasks gives it, but for its health.
type taskEvent struct {
	DetailType string `json:"detail-type"`
	Region     string `json:"region"`
	Detail     struct {
		TaskArn, ClusterArn, Group, StartedBy, TaskDefinitionArn, DesiredStatus, LastStatus, StopCode, StoppedReason, CapacityProviderName, AvailabilityZone string
		Version                                                                                                                                              int64
		CreatedAt, StartedAt, StoppingAt, StoppedAt, ExecutionStoppedAt                                                                                      *time.Time
		Attachments                                                                                                                                          []struct {
			Status  string
			Details []struct{ Name, Value string }
		}
		Containers []struct {
			LastStatus string
			ExitCode   *int32
		}
	} `json:"detail"`
}

// Listening returns parse, as [control.Loop] wants it, for messages that the pictures of tasks are kept up to date by as well.
func (s *Services) Listening(parse func([]byte) (failover.Signal, bool, error)) func([]byte) (failover.Signal, bool, error) {
	return func(body []byte) (failover.Signal, bool, error) {
		signal, ok, err := parse(body)
		if ok && err == nil && signal.Task != "" {
			s.hear(body)
		}
		return signal, ok, err
	}
}

// hear puts a task that an event tells of into the pictures of its service. What cannot be understood is left to the next look.
func (s *Services) hear(body []byte) {
	var e taskEvent
	if json.Unmarshal(ecsevent.Unwrap(body), &e) != nil || !strings.HasPrefix(e.Detail.Group, "service:") {
		return
	}
	t := e.task()
	for _, c := range s.clients.in(e.Region) {
		c.pictures.of(ecsevent.ClusterName(e.Detail.ClusterArn)).hear(&t, c.now())
	}
}

// task is the event's task.
func (e *taskEvent) task() types.Task {
	d := &e.Detail
	t := types.Task{TaskArn: &d.TaskArn, Group: &d.Group, StartedBy: &d.StartedBy, TaskDefinitionArn: &d.TaskDefinitionArn, DesiredStatus: &d.DesiredStatus,
		LastStatus: &d.LastStatus, StopCode: types.TaskStopCode(d.StopCode), StoppedReason: &d.StoppedReason, CapacityProviderName: &d.CapacityProviderName,
		AvailabilityZone: &d.AvailabilityZone, Version: d.Version, CreatedAt: d.CreatedAt, StartedAt: d.StartedAt, StoppingAt: d.StoppingAt,
		StoppedAt: d.StoppedAt, ExecutionStoppedAt: d.ExecutionStoppedAt}
	for i := range d.Attachments {
		a := types.Attachment{Status: &d.Attachments[i].Status}
		for k := range d.Attachments[i].Details {
			a.Details = append(a.Details, types.KeyValuePair{Name: &d.Attachments[i].Details[k].Name, Value: &d.Attachments[i].Details[k].Value})
		}
		t.Attachments = append(t.Attachments, a)
	}
	for i := range d.Containers {
		t.Containers = append(t.Containers, types.Container{LastStatus: &d.Containers[i].LastStatus, ExitCode: d.Containers[i].ExitCode})
	}
	return t
}

// in lists the clients of a region.
func (c *clients) in(region string) []*client {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*client
	for key, made := range c.made {
		if key.region == region {
			out = append(out, made)
		}
	}
	return out
}

// hear keeps what an event tells of a task of a service that is kept, unless something newer is known. Another account's tasks have the
// same names but not the same ARNs.
func (p *picture) hear(t *types.Task, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.services[strings.TrimPrefix(aws.ToString(t.Group), "service:")]
	arn := aws.ToString(t.TaskArn)
	if r == nil || p.prefix == "" || !strings.HasPrefix(arn, p.prefix) {
		return
	}
	last := r.tasks[arn]
	if last != nil && last.Version >= t.Version {
		return
	}
	if last == nil && len(r.tasks) >= rosterMax { // a service that is not looked at, but told of for days
		if r.forget(now); len(r.tasks) >= rosterMax {
			return
		}
	}
	told := &portrait{Task: trim(t), at: now, told: true}
	if last != nil {
		told.HealthStatus = last.HealthStatus
	}
	r.tasks[arn] = told
}
