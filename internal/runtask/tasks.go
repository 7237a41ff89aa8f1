package runtask

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// The tags of a run's tasks.
const (
	TagRun     = "backstop:run"     // the run's token
	TagAttempt = "backstop:attempt" // which start of the same work it is, from 1
	TagLosses  = "backstop:losses"  // how often the work was lost before
	TagPool    = "backstop:pool"    // the index of the pool
	TagCall    = "backstop:call"    // the number of the RunTask call
)

// OwnTag reports whether a tag is one that a run gives its tasks.
func OwnTag(key string) bool {
	return slices.Contains([]string{TagRun, TagAttempt, TagLosses, TagPool, TagCall}, key)
}

// SlowReason is the reason that StopTask is given for a task that does not start in time.
const SlowReason = "backstop run-task: it did not start in time"

// EndReason is the reason that StopTask is given when the run is ended by its caller.
const EndReason = "backstop run-task: ended by its caller"

// tagged returns the number in a tag.
func tagged(t *types.Task, key string) (int, bool) {
	for i := range t.Tags {
		if aws.ToString(t.Tags[i].Key) == key {
			n, err := strconv.Atoi(aws.ToString(t.Tags[i].Value))
			return n, err == nil
		}
	}
	return 0, false
}

// StartedBy is what RunTask takes for startedBy (ECS API reference).
var StartedBy = regexp.MustCompile(`^[A-Za-z0-9/_-]{1,128}$`)

// ofRun reports whether a task is one of a run.
func ofRun(t *types.Task, token string) bool {
	return slices.ContainsFunc(t.Tags, func(tag types.Tag) bool { return aws.ToString(tag.Key) == TagRun && aws.ToString(tag.Value) == token })
}

// stopped reports whether a task has ended.
func stopped(t *types.Task) bool {
	return aws.ToString(t.LastStatus) == string(types.DesiredStatusStopped)
}

// taskOf reduces a task to what deciding needs. main is the container whose exit code counts.
func taskOf(t *types.Task, main string) Task {
	out := Task{ARN: aws.ToString(t.TaskArn), Created: aws.ToTime(t.CreatedAt), Running: t.StartedAt != nil,
		Stopping: aws.ToString(t.DesiredStatus) == string(types.DesiredStatusStopped), End: EndOf(t, main)}
	out.Attempt, _ = tagged(t, TagAttempt)
	out.Losses, _ = tagged(t, TagLosses)
	out.Pool, _ = tagged(t, TagPool)
	return out
}

// EndOf says how a task ended, as a look shows it. main is the container whose exit code counts.
func EndOf(t *types.Task, main string) End {
	if !stopped(t) {
		return Alive
	}
	code, exited := exitOf(t, main)
	return Ending{ecsevent.Stop{Code: string(t.StopCode), Reason: aws.ToString(t.StoppedReason), Capacity: failover.Capacity(aws.ToString(t.CapacityProviderName)),
		StartedAt: aws.ToTime(t.StartedAt), LastStatus: aws.ToString(t.LastStatus), Exited: exited}, code}.End()
}

// ExitOfAll stands for the exit code of a main container that is not known, as its task definition was deleted: 0 where all containers that have an exit
// code have 0. exited is false where none has one.
func ExitOfAll(codes iter.Seq[int]) (code int, exited bool) {
	for c := range codes {
		if exited = true; c != 0 {
			return c, true
		}
	}
	return 0, exited
}

// exitOf is the exit code of a task's main container, if it has one.
func exitOf(t *types.Task, main string) (code int, ok bool) {
	if main == "" {
		return ExitOfAll(func(yield func(int) bool) {
			for i := range t.Containers {
				if c := t.Containers[i].ExitCode; c != nil && !yield(int(*c)) {
					return
				}
			}
		})
	}
	for i := range t.Containers {
		if c := &t.Containers[i]; aws.ToString(c.Name) == main && c.ExitCode != nil {
			return int(*c.ExitCode), true
		}
	}
	return 0, false
}

// MainOf is the first essential container of a task definition; a container is essential unless it says otherwise.
func MainOf(d *types.TaskDefinition) string {
	for i := range d.ContainerDefinitions {
		if c := &d.ContainerDefinitions[i]; c.Essential == nil || *c.Essential {
			return aws.ToString(c.Name)
		}
	}
	return ""
}

// BilledLeast is the least time that Fargate charges for a task (AWS Fargate pricing).
const BilledLeast = time.Minute

// Billed is for how long Fargate charges for a task: from the pull of its image to its stop, for a minute at least (AWS Fargate pricing); 0 where its
// image was never pulled.
func Billed(pulled, stopped time.Time) time.Duration {
	if pulled.IsZero() {
		return 0
	}
	return max(stopped.Sub(pulled), BilledLeast)
}

// Size is what the price of a task depends on: CPU is in CPU units (1024 to the vCPU), Memory in MiB; 0: not known.
type Size struct {
	Region      string
	CPU, Memory float64
	ARM64       bool
}

// Cost is what a task of a size costs that is billed for so long, without storage above 20 GiB; ok is false where a price is not known.
func (s *Size) Cost(prices cost.Table, capacity failover.Capacity, billed time.Duration) (usd float64, ok bool) {
	arch := cost.X86
	if s.ARM64 {
		arch = cost.ARM64
	}
	rate, err := prices.Rate(cost.Key{Region: s.Region, Arch: arch, Capacity: capacity})
	if err != nil || s.CPU <= 0 || s.Memory <= 0 {
		return 0, billed == 0
	}
	return rate.TaskHour(cost.Size{VCPU: s.CPU / 1024, MemoryGB: s.Memory / 1024}) * billed.Hours(), true
}

// costOf is what a task has cost until now; ok is false where a price is not known.
func costOf(t *types.Task, region string, now time.Time) (usd float64, ok bool) {
	size := Size{Region: region}
	size.CPU, _ = strconv.ParseFloat(aws.ToString(t.Cpu), 64)
	size.Memory, _ = strconv.ParseFloat(aws.ToString(t.Memory), 64)
	for i := range t.Attributes {
		size.ARM64 = size.ARM64 || strings.HasSuffix(aws.ToString(t.Attributes[i].Name), "cpu-architecture") && aws.ToString(t.Attributes[i].Value) == "arm64"
	}
	capacity := failover.OnDemand
	if aws.ToString(t.CapacityProviderName) == string(failover.Spot) {
		capacity = failover.Spot
	}
	until := now
	if t.StoppedAt != nil {
		until = *t.StoppedAt
	}
	return size.Cost(cost.Table{}, capacity, Billed(aws.ToTime(t.PullStartedAt), until))
}
