package runtask

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// logGap is the least time between two reads of logs: five a second, of the 25 that an account has in a region (S41). Where AWS throttles it doubles, up to
	// logGapMost.
	logGap, logGapMost = 200 * time.Millisecond, 5 * time.Second
	// logEvery is how often one stream is read, logAgain how soon one that is not there yet.
	logEvery, logAgain = 2 * time.Second, 5 * time.Second
	// logPageEvents and logPageBytes are a page behind which there is more, so that it is read at once: AWS ends one at 10,000 events or at 1 MB, and before an event
	// that no longer fits.
	logPageEvents, logPageBytes = 10_000, 512 << 10
	// logCallMost is how long one read may take: the tasks are looked at in turn with it.
	logCallMost = 10 * time.Second
	// logLate is how long after a task's end its last lines may arrive.
	logLate = 10 * time.Second
	// logDrainMost is how long the rest is read for when the run is over, beside what its number of streams takes.
	logDrainMost = 30 * time.Second
)

// LogReader reads streams of CloudWatch Logs: the events after a token that are not older than since, the time of the last one, and the next token. An
// empty token is the stream's beginning, zero times are none. One call is one request: what fails is asked again later.
type LogReader interface {
	Read(ctx context.Context, region, group, stream, token string, since time.Time) (events []string, last time.Time, next string, err error)
}

// Follow is how the logs of a run's containers are followed.
type Follow struct {
	Reader LogReader
	// Line gets each line, with its task and container where the run has several of them.
	Line func(from, text string)
	// Warn gets what goes wrong, once.
	Warn func(string)
}

// source is where a container's log goes.
type source struct{ container, group, region, prefix string }

// stream is the name of a task's stream (ECS developer guide, awslogs).
func (s *source) stream(task string) string { return s.prefix + "/" + s.container + "/" + task }

// sourcesOf lists where the containers of a task definition log to, and the names of those whose logs are elsewhere.
func sourcesOf(d *types.TaskDefinition, region string) (found []source, others []string) {
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		name, l := aws.ToString(c.Name), c.LogConfiguration
		if l == nil || l.LogDriver != types.LogDriverAwslogs || l.Options["awslogs-group"] == "" || l.Options["awslogs-stream-prefix"] == "" {
			others = append(others, name)
			continue
		}
		found = append(found, source{name, l.Options["awslogs-group"], cmp.Or(l.Options["awslogs-region"], region), l.Options["awslogs-stream-prefix"]})
	}
	return found, others
}

// tail is one stream that is being read.
type tail struct {
	*source
	task  string // ID
	token string
	last  time.Time // of the last event that was read
	since time.Time // events before it were read with a token that has expired
	next  time.Time // when it is read again
	ended time.Time // when the task was first seen stopped
	ran   bool      // the task was RUNNING: its containers had something to say
	over  bool
}

// follower reads the streams of a run in turn.
type follower struct {
	*Follow
	sources []source
	tails   []*tail
	of      map[string][]*tail  // by the task's ARN
	refused map[[2]string]bool  // region and group
	said    map[string]struct{} // warnings
	gap     time.Duration
	several bool // tasks are wanted, so that each line says whose it is
}

func newFollower(r *Request, d *types.TaskDefinition, region string) *follower {
	out := &follower{Follow: r.Follow, several: r.Count > 1, of: map[string][]*tail{}, refused: map[[2]string]bool{}, said: map[string]struct{}{}, gap: logGap}
	var others []string
	out.sources, others = sourcesOf(d, region)
	if len(others) > 0 {
		out.warn("driver", "logs of %s are not followed: its log driver is not %s with a group and a stream prefix", strings.Join(others, ", "), types.LogDriverAwslogs)
	}
	return out
}

// warn says what goes wrong, once for each what.
func (f *follower) warn(what, format string, args ...any) {
	if _, said := f.said[what]; !said {
		f.said[what] = struct{}{}
		f.Warn(fmt.Sprintf(format, args...))
	}
}

// watch takes in what is known of the tasks. A container may log before its task is RUNNING, as others wait for it, and not before its image is there.
func (f *follower) watch(tasks []*types.Task, now time.Time) {
	for _, t := range tasks {
		if t.StartedAt == nil && t.PullStoppedAt == nil {
			continue
		}
		arn := aws.ToString(t.TaskArn)
		if f.of[arn] == nil {
			for i := range f.sources {
				one := &tail{source: &f.sources[i], task: ecsevent.TaskID(arn), next: now}
				f.of[arn], f.tails = append(f.of[arn], one), append(f.tails, one)
			}
		}
		for _, one := range f.of[arn] {
			one.ran = t.StartedAt != nil
			if stopped(t) && one.ended.IsZero() {
				one.ended, one.next = now, now
			}
		}
	}
}

// due returns the stream to read next; nil where none is left.
func (f *follower) due() *tail {
	var first *tail
	for _, t := range f.tails {
		if !t.over && (first == nil || t.next.Before(first.next)) {
			first = t
		}
	}
	return first
}

// until reads logs in turn until a moment.
func (f *follower) until(ctx context.Context, end time.Time) error {
	for now := time.Now(); now.Before(end); now = time.Now() {
		t := f.due()
		if t == nil || t.next.After(end) {
			return control.Pause(ctx, end.Sub(now))
		}
		if err := f.turn(ctx, t, now); err != nil {
			return err
		}
	}
	return nil
}

// turn reads a stream when it is due, and keeps the distance to the next read.
func (f *follower) turn(ctx context.Context, t *tail, now time.Time) error {
	if err := control.Pause(ctx, max(0, t.next.Sub(now))); err != nil {
		return err
	}
	f.read(ctx, t)
	return control.Pause(ctx, f.gap)
}

// drain reads what is left of the logs of tasks that have ended, for a bounded time.
func (f *follower) drain(ctx context.Context) {
	f.tails = slices.DeleteFunc(f.tails, func(t *tail) bool { return t.over || t.ended.IsZero() })
	now := time.Now()
	end := now.Add(logLate + logDrainMost + 2*logGap*time.Duration(len(f.tails)))
	for t := f.due(); t != nil && now.Before(end); t, now = f.due(), time.Now() {
		if f.turn(ctx, t, now) != nil {
			return
		}
	}
	left := slices.DeleteFunc(f.tails, func(t *tail) bool { return t.over })
	if len(left) > 0 {
		f.warn("left", "%s not read to the end; the first: aws logs get-log-events --log-group-name %s --log-stream-name %s --start-from-head --region %s", wording.Count(len(left), "log stream"), left[0].group,
			left[0].stream(left[0].task), left[0].region)
	}
}

// read reads one page of a stream, and says when to read the next.
func (f *follower) read(ctx context.Context, t *tail) {
	group := [2]string{t.region, t.group}
	if t.over = f.refused[group]; t.over {
		return
	}
	call, cancel := context.WithTimeout(ctx, logCallMost)
	defer cancel()
	events, last, next, err := f.Reader.Read(call, t.region, t.group, t.stream(t.task), t.token, t.since)
	now := time.Now()
	t.next = now.Add(logEvery)
	late := !t.ended.IsZero() && now.Sub(t.ended) >= logLate
	switch kind := failure.Kind(err); {
	case err == nil:
		f.gap = max(logGap, f.gap/2)
		f.print(t, events)
		if !last.IsZero() {
			t.last = last
		}
		fresh := next != t.token
		if full(events) || len(events) == 0 && fresh {
			t.next = now
		}
		t.token, t.over = next, late && len(events) == 0 && !fresh
	case ctx.Err() != nil:
	case kind == failover.ErrNotFound: // not yet
		t.next = now.Add(logAgain)
		if t.over = late; late && t.ran {
			f.warn("no log", "a task has no log in %s: %s; others are not listed", t.group, t.stream(t.task))
		}
	case control.Passing(kind):
		f.gap = min(2*f.gap, logGapMost)
		f.warn("passing", "logs of %s: %s; they are read on when AWS answers", t.group, kind)
	case kind == failover.ErrInvalid && t.token != "": // it has expired (S43)
		t.token, t.next = "", now
		if !t.last.IsZero() {
			t.since = t.last.Add(time.Millisecond)
		}
	case kind == failover.ErrInvalid:
		t.over = true
		f.warn(t.group, "the log of a task in %s is not followed: %v; others are not listed", t.group, err)
	default:
		f.refused[group], t.over = true, true
		f.warn(t.group, "logs of %s are not followed: %v", t.group, err)
	}
}

// full reports whether a page was ended by its size.
func full(events []string) bool {
	size := 0
	for _, e := range events {
		size += len(e)
	}
	return len(events) >= logPageEvents || size >= logPageBytes
}

// print hands on the lines of a page.
func (f *follower) print(t *tail, events []string) {
	from := ""
	if f.several || len(f.of) > 1 {
		from = t.task[:min(8, len(t.task))]
	}
	if len(f.sources) > 1 {
		from = strings.TrimPrefix(from+" "+t.container, " ")
	}
	for _, e := range events {
		for text := range strings.SplitSeq(strings.TrimRight(e, "\r\n"), "\n") {
			f.Line(from, text)
		}
	}
}
