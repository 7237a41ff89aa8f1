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
	"sync/atomic"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

const (
	// claimFor is how long a call is left to the keeper that wrote that it makes it: no call begins later or lasts longer. claimMost bounds that by
	// AWS's clock, where that of a sandbox runs fast.
	claimFor  = 30 * time.Second
	claimMost = 5 * time.Minute
	// sliceMax is how many calls are claimed at a time: what claimFor is long enough for, sideBySide by sideBySide.
	sliceMax = 3 * sideBySide
	// againFirst and againMost are how long after a refusal for want of room, or a throttled call, the place is asked again; it doubles. deniedFor is
	// how long after a refusal for want of a permission the task is tried again.
	againFirst, againMost, deniedFor = 10 * time.Second, time.Minute, 5 * time.Minute
	// giveUpAfter is for how long after a task's stop it is tried: ECS tells what the task was for an hour (AWS documentation, DescribeTasks).
	giveUpAfter = 50 * time.Minute
	// sideBySide bounds the calls under way at a time, and with it those that a place without room gets each time.
	sideBySide = 8
	// callTimeout bounds one call, the SDK's own retries included.
	callTimeout = 10 * time.Second
)

// Place is a cluster whose tasks of no service are started again, with what ECS does not tell of a task.
type Place struct {
	Region, Cluster string // the cluster's name
	// Account is the one in the cluster's ARN, where the configuration has that; empty: the guard's own.
	Account        string
	SecurityGroups []string
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
	// Err is why ECS refuses to tell of it; the rest is then empty.
	Err error
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

// Options say what a keeper works with; all are needed but Ours, Tell and Log.
type Options struct {
	Places []Place
	Store  Store
	Tasks  Tasks
	Prices cost.Table
	// Now is AWS's time, as far as it is known.
	Now func() time.Time
	// Ours turns AWS's time into ours, which differ beside a sandbox; nil: they are the same.
	Ours func(time.Duration) time.Duration
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
	went  map[*Place]bool // the places in which this Take or Pass has started a task
	own   atomic.Value    // the guard's account, a string, once ECS has told of a task of it
}

// New returns a keeper.
func New(o Options) *Keeper {
	if o.Tell == nil {
		o.Tell = func(context.Context, control.Report) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ours == nil {
		o.Ours = func(d time.Duration) time.Duration { return d }
	}
	return &Keeper{o: o}
}

// Mine reads a message, and reports whether it is the event of a task that has stopped in one of the places. A nil keeper has none.
func (k *Keeper) Mine(body []byte) (t ecsevent.Standalone, ok bool) {
	if k == nil {
		return t, false
	}
	t, ok = ecsevent.ParseStandalone(body)
	return t, ok && k.placeOf(&t) != nil
}

func (k *Keeper) place(region, cluster string) *Place {
	for i := range k.o.Places {
		if p := &k.o.Places[i]; p.Region == region && p.Cluster == cluster {
			return p
		}
	}
	return nil
}

// placeOf is where the task of an event ran; nil: in none of the places. Another account may have a cluster of the same name, and what it forwards comes
// through the same queue.
func (k *Keeper) placeOf(t *ecsevent.Standalone) *Place {
	p := k.place(t.Region, t.Cluster)
	if p == nil || t.Account == "" {
		return p
	}
	own, _ := k.own.Load().(string)
	if account := cmp.Or(p.Account, own); account != "" && account != t.Account {
		return nil
	}
	return p
}

// learn notes the guard's own account, by the ARN of a task of which ECS has told: it tells of no others.
func (k *Keeper) learn(arn string) {
	if part := strings.SplitN(arn, ":", 6); len(part) == 6 && part[4] != "" {
		k.own.Store(part[4])
	}
}

// claim is for how long a call is claimed, by AWS's clock.
func (k *Keeper) claim() time.Duration {
	scale := float64(time.Hour) / max(float64(k.o.Ours(time.Hour)), 1)
	return min(time.Duration(float64(claimFor)*scale), max(claimFor, claimMost))
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
