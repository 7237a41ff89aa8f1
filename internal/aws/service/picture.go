package service

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	// stoppedFor is how long ago a task may have stopped to be evidence still: the longest window of a preset
	// (15 minutes), doubled.
	stoppedFor = 30 * time.Minute
	// describeEvery is how often a task that is RUNNING, wanted and listed is described again though nothing suggests a change.
	describeEvery = time.Minute
	// rosterMax bounds the tasks of one service that events may add: twice ECS's limit of running ones.
	rosterMax = 10_000
	// pagesFor is for how long the number of a cluster's tasks, once listed, is taken to be about the same.
	pagesFor = 5 * time.Minute
)

// pictures are what was last read of the tasks of each cluster. The zero value is ready.
type pictures struct {
	mu  sync.Mutex
	all map[string]*picture
}

func (p *pictures) of(cluster string) *picture {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = make(map[string]*picture)
	}
	if p.all[cluster] == nil {
		p.all[cluster] = &picture{services: make(map[string]*roster), foreign: make(map[string]bool)}
	}
	return p.all[cluster]
}

// picture is what is known of the tasks of a cluster's guarded services. Only what cannot have changed unseen is taken from it: see
// [picture.toDescribe].
type picture struct {
	mu       sync.Mutex
	services map[string]*roster
	foreign  map[string]bool // listed tasks of others
	prefix   string          // of the tasks' ARNs
	// tasks is how many were listed in the cluster at a moment, at least; until narrowUntil it is not listed as a whole.
	tasks       int
	counted     time.Time
	narrowUntil time.Time
}

// roster is the tasks of one service by ARN.
type roster struct {
	tasks map[string]*portrait
	// listed is when wanted tasks were listed, stopped when stopped ones were; zero: never.
	listed, stopped time.Time
}

// portrait is one task as it was described at a moment.
type portrait struct {
	types.Task
	at time.Time
	// unlisted: it was not among the wanted tasks when they were last listed, and was not described since.
	unlisted bool
	// told: an event told it, which says nothing of health.
	told bool
}

func (p *portrait) wanted() bool { return aws.ToString(p.DesiredStatus) == "RUNNING" && !p.stopped() }

func (p *portrait) settled() bool {
	return !p.unlisted && aws.ToString(p.LastStatus) == "RUNNING" && aws.ToString(p.DesiredStatus) == "RUNNING"
}

func (p *portrait) stopped() bool { return aws.ToString(p.LastStatus) == "STOPPED" }

// believed reports whether there is no need to ask again for a task that changes, where calls are short.
func (p *portrait) believed(s *sweep, now time.Time) bool {
	return s.scarce && !p.unlisted && now.Sub(p.at) < believedFor
}

// checked reports whether the health of the task's containers can change.
func (p *portrait) checked() bool {
	return p.HealthStatus == types.HealthStatusHealthy || p.HealthStatus == types.HealthStatusUnhealthy
}

// pages is how many pages a listing of the whole cluster is expected to take.
func (p *picture) pages(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.narrowUntil) {
		return pagesMax + 1
	}
	n := p.tasks
	if now.Sub(p.counted) > pagesFor {
		n = 0 // not known; the listing ends where it does not pay
	}
	return max(1, (n+pageMax-1)/pageMax)
}

// narrow notes that listing the whole cluster does not pay, until a moment.
func (p *picture) narrow(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.narrowUntil = until
}

// atLeast notes that the cluster turned out to have so many tasks.
func (p *picture) atLeast(n int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.counted) > pagesFor || n > p.tasks {
		p.tasks, p.counted = n, now
	}
}

// pagesOf is how many pages the listings of the services would take, one by one.
func (p *picture) pagesOf(asks []*ticket[inquiry]) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	seen := make(map[string]bool, len(asks))
	for _, t := range asks {
		if name := t.of.ref.Service; !seen[name] {
			seen[name] = true
			n++
			if r := p.services[name]; r != nil {
				n += len(r.tasks) / pageMax
			}
		}
	}
	return n
}

// guard begins to keep the services' tasks.
func (p *picture) guard(asks []*ticket[inquiry]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range asks {
		if p.services[t.of.ref.Service] == nil {
			p.services[t.of.ref.Service] = &roster{tasks: make(map[string]*portrait)}
			clear(p.foreign) // some may be this one's
		}
	}
}

// stoppedDue reports whether the stopped tasks of one of the services are to be listed.
func (p *picture) stoppedDue(asks []*ticket[inquiry], now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(asks, func(t *ticket[inquiry]) bool {
		return t.of.stopped && now.Sub(p.services[t.of.ref.Service].stopped) >= t.of.listEvery
	})
}

// fresh reports whether a service's tasks were listed so recently that its own counts may tell whether the picture still holds.
func (p *picture) fresh(q *inquiry, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.services[q.ref.Service]
	return !q.list && r != nil && now.Sub(r.listed) < q.listEvery && (!q.stopped || now.Sub(r.stopped) < q.listEvery)
}

// count counts the tasks of the services as ECS does.
func (p *picture) count(asks []*ticket[inquiry]) []census {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]census, len(asks))
	for i, t := range asks {
		for _, t := range p.services[t.of.ref.Service].tasks {
			out[i].add(t)
		}
	}
	return out
}

// census is what a picture has of a service's tasks.
type census struct{ running, warned, pending int }

func (n *census) add(t *portrait) {
	wanted := aws.ToString(t.DesiredStatus) == "RUNNING"
	switch aws.ToString(t.LastStatus) {
	case "RUNNING":
		if n.running++; !wanted {
			n.warned++
		}
	case "PROVISIONING", "PENDING", "ACTIVATING":
		if wanted {
			n.pending++
		}
	}
}

// same reports whether the service's own counts are those of the picture. Whether ECS counts tasks under notice as running is open.
func (n census) same(c counts) bool {
	return n.pending == c.pending && (n.running == c.running || n.running-n.warned == c.running)
}

// unsettled lists the tasks of the services that were not RUNNING and wanted when they were described, or whose health may have changed.
func (p *picture) unsettled(s *sweep) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	now := s.c.now()
	for name, asked := range s.byService() {
		for arn, t := range p.services[name].tasks {
			if !t.stopped() && (!t.settled() && !t.believed(s, now) || asked.health && (t.checked() || t.told)) {
				out = append(out, arn)
			}
		}
	}
	slices.Sort(out)
	return out
}

// toDescribe lists the tasks whose present state the listing does not tell: those that are new; those that were not RUNNING and wanted
// when they were described, or whose health may have changed; those that are wanted no more; and the others from time to time.
func (p *picture) toDescribe(s *sweep) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	known := make(map[string]bool)
	now := s.c.now()
	for name, asked := range s.byService() {
		for arn, t := range p.services[name].tasks {
			known[arn] = true
			listed := s.running.arns[arn]
			switch {
			case t.stopped():
			case !listed && !asked.stopped: // a later look asks what became of it
			case asked.health && listed && (t.checked() || t.told):
				out = append(out, arn)
			case listed && t.settled() && now.Sub(t.at) < describeEvery:
			case listed == t.wanted() && t.believed(s, now):
			default:
				out = append(out, arn)
			}
		}
	}
	for name, r := range p.services {
		if s.asksFor(name) {
			continue
		}
		for arn := range r.tasks {
			known[arn] = true // another sweep's
		}
	}
	for _, l := range []*listing{&s.running, &s.stopped} {
		for arn := range l.arns {
			if !known[arn] && !p.foreign[arn] {
				known[arn] = true
				out = append(out, arn)
			}
		}
	}
	slices.Sort(out)
	return out
}

// byService merges what is asked of each service.
func (s *sweep) byService() map[string]inquiry {
	out := make(map[string]inquiry, len(s.asks))
	for _, t := range s.asks {
		q := out[t.of.ref.Service]
		q.stopped, q.health = q.stopped || t.of.stopped, q.health || t.of.health
		out[t.of.ref.Service] = q
	}
	return out
}

func (s *sweep) asksFor(service string) bool {
	return slices.ContainsFunc(s.asks, func(t *ticket[inquiry]) bool { return t.of.ref.Service == service })
}

// keep puts described tasks into the picture. What ECS does not know any more is forgotten.
func (p *picture) keep(s *sweep, asked []string, out *ecs.DescribeTasksOutput) {
	at := serverTime(out.ResultMetadata)
	p.mu.Lock()
	defer p.mu.Unlock()
	found := make(map[string]bool, len(out.Tasks))
	for i := range out.Tasks {
		t := &out.Tasks[i]
		arn := aws.ToString(t.TaskArn)
		found[arn], s.described[arn] = true, true
		p.prefix = arn[:strings.LastIndexByte(arn, '/')+1]
		service := s.asks[0].of.ref.Service
		if s.wide || s.refresh {
			service = strings.TrimPrefix(aws.ToString(t.Group), "service:")
		}
		r := p.services[service]
		if r == nil {
			p.foreign[arn] = true
			continue
		}
		if last := r.tasks[arn]; last == nil || last.Version <= t.Version {
			r.tasks[arn] = &portrait{Task: trim(t), at: at}
		}
	}
	for _, arn := range asked {
		if !found[arn] {
			for name := range s.byService() {
				delete(p.services[name].tasks, arn)
			}
		}
	}
}

// settle drops what is of no use any more after a sweep that read all it wanted, and notes what was listed.
func (p *picture) settle(s *sweep) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := s.c.now()
	if s.wide {
		p.tasks, p.counted = len(s.running.arns), now
		for arn := range p.foreign {
			if !s.running.arns[arn] && !s.stopped.arns[arn] {
				delete(p.foreign, arn)
			}
		}
	}
	for name, r := range p.services {
		if !s.wide && !s.asksFor(name) {
			continue
		}
		if s.stopped.done {
			r.stopped = s.begun
		}
		r.listed = s.begun
		for arn, t := range r.tasks {
			t.unlisted = t.wanted() && !s.running.arns[arn] && !s.described[arn]
		}
		r.forget(now)
	}
}

// forget drops the tasks that stopped so long ago that they are no evidence any more.
func (r *roster) forget(now time.Time) {
	for arn, t := range r.tasks {
		if t.stopped() && now.Sub(aws.ToTime(t.StoppedAt)) > stoppedFor {
			delete(r.tasks, arn)
		}
	}
}

// show returns a service's tasks that are wanted, and if they are asked for those that are leaving or have stopped.
func (p *picture) show(s *sweep, q *inquiry) (running, gone []types.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.services[q.ref.Service].tasks {
		switch wanted := t.wanted(); {
		case wanted && !t.unlisted:
			running = append(running, t.Task)
		case !wanted && q.stopped:
			gone = append(gone, t.Task)
		}
	}
	for _, list := range [...][]types.Task{running, gone} {
		slices.SortFunc(list, func(a, b types.Task) int {
			if c := aws.ToTime(a.CreatedAt).Compare(aws.ToTime(b.CreatedAt)); c != 0 {
				return c
			}
			return strings.Compare(aws.ToString(a.TaskArn), aws.ToString(b.TaskArn))
		})
	}
	return running, gone
}

// trim keeps of a task what is looked at: a picture of thousands is held for as long as they run.
func trim(t *types.Task) types.Task {
	out := types.Task{TaskArn: t.TaskArn, Version: t.Version, DesiredStatus: t.DesiredStatus, LastStatus: t.LastStatus, StartedBy: t.StartedBy,
		TaskDefinitionArn: t.TaskDefinitionArn, HealthStatus: t.HealthStatus, CapacityProviderName: t.CapacityProviderName, AvailabilityZone: t.AvailabilityZone,
		CreatedAt: t.CreatedAt, StartedAt: t.StartedAt, StoppingAt: t.StoppingAt, StoppedAt: t.StoppedAt, ExecutionStoppedAt: t.ExecutionStoppedAt,
		StopCode: t.StopCode, StoppedReason: t.StoppedReason}
	for i := range t.Attachments {
		a := types.Attachment{Status: t.Attachments[i].Status}
		for _, d := range t.Attachments[i].Details {
			if aws.ToString(d.Name) == addressDetail {
				a.Details = append(a.Details, d)
			}
		}
		out.Attachments = append(out.Attachments, a)
	}
	for i := range t.Containers {
		out.Containers = append(out.Containers, types.Container{LastStatus: t.Containers[i].LastStatus, ExitCode: t.Containers[i].ExitCode})
	}
	return out
}
