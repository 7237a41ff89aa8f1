package taskretry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

const (
	// claimFor is how long a call is left to whoever wrote that it makes it: longer than the call, its retries and the writing of its outcome.
	claimFor = 30 * time.Second
	// againFirst and againMost are how long after a refusal for want of room it is asked again; it doubles. deniedFor is the same where a
	// permission lacks.
	againFirst, againMost, deniedFor = 10 * time.Second, time.Minute, 5 * time.Minute
	// giveUpAfter is for how long after a task's stop it is tried: ECS tells what the task was for an hour (AWS documentation, DescribeTasks).
	giveUpAfter = 50 * time.Minute
	// sideBySide bounds the calls under way at a time.
	sideBySide = 8
	// callTimeout bounds one call, the SDK's own retries included.
	callTimeout = 10 * time.Second
)

// Place is a cluster whose tasks of no service are started again, with what ECS does not tell of a task.
type Place struct {
	Region, Cluster string // the cluster's name
	SecurityGroups  []string
	// Subnets are where tasks may run; none: the one that the stopped task was in.
	Subnets  []string
	PublicIP bool
}

// Told is what ECS tells of a task that it still knows.
type Told struct {
	Tags map[string]string
	// End is how it ended, as far as a look shows; OfService: a service's scheduler sees to it.
	End       runtask.End
	OfService bool
	// Main is the container whose exit code counts.
	Main string
	// Untold is as in [Task].
	Untold string
	// Call is the adapter's own: what starts the task again.
	Call any
}

// Order is a call that starts a task again: its token, and the tags beside those that the task had.
type Order struct {
	Token string
	Tags  map[string]string
}

// NoRoom is ECS's answer that it started nothing: a definite one, by which a token is used up.
type NoRoom struct{ Reason string }

// Error returns ECS's words.
func (e *NoRoom) Error() string { return e.Reason }

// Tasks reads and starts tasks.
type Tasks interface {
	// Describe reads tasks of a place that have stopped, by ARN; those that ECS does not know any more are absent.
	Describe(ctx context.Context, p *Place, arns []string) (map[string]Told, error)
	// Start starts a task again, on demand, and returns its ARN. The error is a [*NoRoom], or one with a kind ([control.KindedError]).
	Start(ctx context.Context, p *Place, t *Told, o Order) (arn string, err error)
}

// Store is where the book and the journal are.
type Store interface {
	control.Shelf
	Append(ctx context.Context, entries []journal.Entry) error
}

// Options say what a keeper works with; all are needed but Tell and Log.
type Options struct {
	Places []Place
	Store  Store
	Tasks  Tasks
	Prices cost.Table
	// Now is AWS's time, as far as it is known.
	Now func() time.Time
	// Tell is given what a person should be told, as the report of a workload with the name of [Name].
	Tell func(ctx context.Context, r control.Report)
	Log  *slog.Logger
}

// Name is how the tasks of a cluster are named in the journal and in notices. No workload has such a name.
func Name(cluster string) string { return "tasks:" + cluster }

// Keeper starts tasks again. It is safe for concurrent use.
type Keeper struct {
	o     Options
	one   sync.Mutex // one Take or Pass at a time: the others would only meet at the page
	begun bool
}

// New returns a keeper.
func New(o Options) *Keeper {
	if o.Tell == nil {
		o.Tell = func(context.Context, control.Report) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{o: o}
}

// Mine reads a message, and reports whether it is the event of a task that has stopped in one of the places. A nil keeper has none.
func (k *Keeper) Mine(body []byte) (t ecsevent.Standalone, ok bool) {
	if k == nil {
		return t, false
	}
	t, ok = ecsevent.ParseStandalone(body)
	return t, ok && k.place(t.Region, t.Cluster) != nil
}

func (k *Keeper) place(region, cluster string) *Place {
	for i := range k.o.Places {
		if p := &k.o.Places[i]; p.Region == region && p.Cluster == cluster {
			return p
		}
	}
	return nil
}

// ending is how the task of an event ended. Where its main container is not known, another's exit does not make it a success.
func ending(t *ecsevent.Standalone, main string) runtask.End {
	e := runtask.Ending{Stop: t.Stop}
	e.Code, e.Exited = t.Exits[main]
	return e.End()
}

// Take deals with the events of tasks that have stopped. Those that are not dealt with are returned by their task's ARN: their events have to come
// again. When it returns, what is to be started again is written; that it could not be started yet is no reason for an event to come again.
func (k *Keeper) Take(ctx context.Context, events []ecsevent.Standalone) (left map[string]error) {
	k.one.Lock()
	defer k.one.Unlock()
	left = make(map[string]error)
	fail := func(arns []string, err error) {
		for _, arn := range arns {
			left[arn] = err
		}
	}
	book, _, err := load(ctx, k.o.Store)
	if err != nil {
		for i := range events {
			left[events[i].ARN] = err
		}
		return left
	}
	now := k.o.Now()
	byPlace := make(map[*Place][]string)
	lost, ends := make(map[string]*ecsevent.Standalone), make(map[string]*ecsevent.Standalone)
	for i := range events {
		t := &events[i]
		if t.StoppedAt.After(now) {
			now = t.StoppedAt
		}
		if o := book.Origin(t.ARN); o != nil && o.Ended.IsZero() {
			ends[t.ARN] = t
		}
		if e := ending(t, ""); book.Find(t.ARN) == nil && lost[t.ARN] == nil && (e == runtask.Lost || e == runtask.NotStarted) {
			lost[t.ARN] = t
			p := k.place(t.Region, t.Cluster)
			byPlace[p] = append(byPlace[p], t.ARN)
		}
	}
	told, seen := make(map[string]Told), []Record(nil)
	for p, arns := range byPlace {
		got, err := k.o.Tasks.Describe(ctx, p, arns)
		if err != nil {
			fail(arns, err)
			k.o.Log.LogAttrs(ctx, slog.LevelWarn, "stopped tasks not read; their events come again", slog.String("cluster", p.Cluster), slog.Any(control.KeyErr, err),
				slog.String(control.KeyHint, control.HintOf(err)))
			continue
		}
		for _, arn := range arns {
			if t, known := got[arn]; known {
				if r, tagged := judge(lost[arn], &t); tagged {
					told[arn], seen = t, append(seen, r)
				}
			}
		}
	}
	mine, err := k.write(ctx, seen, ends, now)
	if err != nil {
		for i := range seen {
			left[seen[i].Task] = err
		}
		for arn := range ends {
			left[arn] = err
		}
		return left
	}
	k.start(ctx, mine, told)
	return left
}

// judge decides about a task that was lost; tagged is false for one that nobody wants to be started again.
func judge(e *ecsevent.Standalone, t *Told) (r Record, tagged bool) {
	end := ending(e, t.Main)
	d := Decide(&Task{End: end, Tags: t.Tags, Untold: t.Untold})
	family, _, _ := strings.Cut(e.Definition[strings.LastIndexByte(e.Definition, '/')+1:], ":")
	return Record{Task: e.ARN, Region: e.Region, Cluster: e.Cluster, Family: family, Stopped: e.StoppedAt, End: end, Why: clip(cmp.Or(e.Reason, e.Code), whyMax), Verdict: d.Verdict, Attempt: d.Attempt, Allowed: d.Allowed,
		Text: clip(d.Text, textMax)}, d.Verdict != Left
}

// write keeps what was decided and how tasks that were started again have ended, and returns the records whose calls are this keeper's to make.
func (k *Keeper) write(ctx context.Context, seen []Record, ends map[string]*ecsevent.Standalone, now time.Time) (mine []Record, err error) {
	if len(seen)+len(ends) == 0 {
		return nil, nil
	}
	var told []Record
	var notes []journal.Entry
	err = update(ctx, k.o.Store, now, func(b *Book) bool {
		mine, told, notes = nil, nil, nil
		changed := false
		for i, r := range seen {
			if b.Find(r.Task) != nil {
				continue // another guard has it
			}
			changed = true
			r.At = now.Add(time.Duration(i) * time.Microsecond).UTC() // each its own: the journal keeps one row a moment
			if r.Verdict == Again {
				r.Try, r.Next = 1, now.Add(claimFor).UTC()
				mine = append(mine, r)
			} else {
				b.count(r.At, Day{Left: 1})
				told = append(told, r)
			}
			b.Records = append(b.Records, r)
		}
		for arn, t := range ends {
			if o := b.Origin(arn); o != nil && o.Ended.IsZero() {
				changed = true
				b.count(t.StoppedAt, k.ended(o, t))
				notes = append(notes, endNote(o))
			}
		}
		return changed
	})
	if err != nil {
		return nil, err
	}
	k.tell(ctx, told, notes...)
	return mine, nil
}

// ended notes how long a task that was started again ran, and returns what that cost.
func (k *Keeper) ended(o *Record, t *ecsevent.Standalone) Day {
	var ran time.Duration
	if !t.PulledAt.IsZero() {
		ran = max(t.StoppedAt.Sub(t.PulledAt), runtask.BilledLeast)
	}
	o.Ended, o.Ran = t.StoppedAt.UTC(), ran.Seconds()
	day := Day{Ended: 1, Hours: ran.Hours()}
	arch := cost.X86
	if t.ARM64 {
		arch = cost.ARM64
	}
	size := cost.Size{VCPU: float64(t.CPU) / 1024, MemoryGB: float64(t.Memory) / 1024}
	onDemand, err := k.o.Prices.Rate(cost.Key{Region: t.Region, Arch: arch, Capacity: failover.OnDemand})
	spot, err2 := k.o.Prices.Rate(cost.Key{Region: t.Region, Arch: arch, Capacity: failover.Spot})
	if err != nil || err2 != nil || t.CPU == 0 || t.Memory == 0 {
		day.Unpriced = 1
		return day
	}
	day.USD, day.SpotUSD = onDemand.TaskHour(size)*ran.Hours(), spot.TaskHour(size)*ran.Hours()
	return day
}

// token is the same for one call whoever makes it.
func token(r *Record) string {
	sum := sha256.Sum256([]byte("backstop retry\x00" + r.Task + "\x00" + strconv.Itoa(r.Try)))
	return fmt.Sprintf("%x", sum[:16])
}

// order is the call that starts a record's task again.
func order(r *Record) Order {
	return Order{Token: token(r), Tags: map[string]string{TagAttempt: strconv.Itoa(r.Attempt), TagOf: ecsevent.TaskID(r.Task)}}
}
