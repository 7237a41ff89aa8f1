package taskretry

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

// errUnseen says that ECS does not tell yet of a task whose stop it has told: reads may lag behind events.
var errUnseen = errors.New("ECS does not know the task yet")

// ending is how the task of an event ended: code is that of its work, if that has exited.
func ending(t *ecsevent.Standalone, code int, exited bool) runtask.End {
	e := runtask.Ending{Stop: t.Stop, Code: code}
	e.Exited = exited
	return e.End()
}

// endOf is how the task of an event ended whose main container has a name; empty: it is not known.
func endOf(t *ecsevent.Standalone, main string) runtask.End {
	code, exited := t.Exits[main]
	if main == "" {
		code, exited = runtask.ExitOfAll(maps.Values(t.Exits))
	}
	return ending(t, code, exited)
}

// lost reports whether a task that ends so is one to start again.
func lost(e runtask.End) bool { return e == runtask.Lost || e == runtask.NotStarted }

// Take deals with the events of tasks that have stopped. Those that are not dealt with are returned by their task's ARN: their events have to come
// again. When it returns, what is to be started again is written; that it could not be started yet is no reason for an event to come again.
func (k *Keeper) Take(ctx context.Context, events []ecsevent.Standalone) (left map[string]error) {
	k.one.Lock()
	defer k.one.Unlock()
	k.went = make(map[*Place]bool)
	left = make(map[string]error)
	book, _, err := load(ctx, k.o.Store)
	if err != nil {
		for i := range events {
			left[events[i].ARN] = err
		}
		return left
	}
	now := k.o.Now()
	gone, ends := make(map[*Place][]*ecsevent.Standalone), make(map[string]*ecsevent.Standalone)
	twice := make(map[string]bool)
	for i := range events {
		t := &events[i]
		p := k.placeOf(t)
		if p == nil {
			continue // of another account, as has come out since it was taken
		}
		if t.StoppedAt.After(now) {
			now = t.StoppedAt
		}
		if o := book.Origin(t.ARN); o != nil && o.Ended.IsZero() {
			ends[t.ARN] = t
		}
		if book.Find(t.ARN) == nil && !twice[t.ARN] && lost(ending(t, 0, false)) {
			twice[t.ARN] = true
			gone[p] = append(gone[p], t)
		}
	}
	told, seen := make(map[string]Told), []Record(nil)
	for p, all := range gone {
		seen = append(seen, k.read(ctx, p, all, now, told, left)...)
	}
	mine, more, err := k.write(ctx, &book, seen, ends, now)
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
	if more {
		k.log(ctx, k.rest(ctx, told))
	}
	return left
}

// read asks ECS about tasks of a place that were lost, and judges those that it tells of. It adds what it is told to told, and what has to be asked
// again to left.
func (k *Keeper) read(ctx context.Context, p *Place, all []*ecsevent.Standalone, now time.Time, told map[string]Told, left map[string]error) (seen []Record) {
	arns := make([]string, len(all))
	for i, t := range all {
		arns[i] = t.ARN
	}
	got, err := k.o.Tasks.Describe(ctx, p, arns)
	if err != nil {
		for _, arn := range arns {
			left[arn] = err
		}
		k.o.Log.LogAttrs(ctx, slog.LevelWarn, "stopped tasks not read; their events come again", slog.String("cluster", p.Cluster), slog.Any(control.KeyErr, err),
			slog.String(control.KeyHint, control.HintOf(err)))
		return nil
	}
	for arn, t := range got {
		if t.Err == nil {
			k.learn(arn)
		}
	}
	var forgotten []*ecsevent.Standalone
	for _, e := range all {
		switch t, known := got[e.ARN]; {
		case k.placeOf(e) == nil: // another account's
		case known && t.Err != nil: // another account's, mostly: ours is not known yet
			k.o.Log.LogAttrs(ctx, slog.LevelWarn, "a stopped task that ECS refuses to tell of is left alone", slog.String("task", e.ARN), slog.Any(control.KeyErr, t.Err))
		case known:
			if r, tagged := judge(e, &t); tagged {
				told[e.ARN], seen = t, append(seen, r)
			}
		case now.Sub(e.StoppedAt) < giveUpAfter:
			left[e.ARN] = errUnseen
		default:
			forgotten = append(forgotten, e)
		}
	}
	k.forgot(ctx, p, forgotten)
	return seen
}

// judge decides about a task that was lost; tagged is false for one that nobody wants to be started again.
func judge(e *ecsevent.Standalone, t *Told) (r Record, tagged bool) {
	end := endOf(e, t.Main)
	d := Decide(&Task{End: end, Tags: t.Tags, Untold: t.Untold})
	return Record{Task: e.ARN, Region: e.Region, Cluster: e.Cluster, Family: ecsevent.Family(e.Definition), Stopped: e.StoppedAt, End: end, Why: clip(cmp.Or(e.Reason, e.Code), whyMax), Verdict: d.Verdict, Attempt: d.Attempt, Allowed: d.Allowed,
		Text: clip(d.Text, textMax), Due: e.StoppedAt.UTC()}, d.Verdict != Left
}

// write keeps what was decided and how tasks that were started again have ended. It returns the first records whose calls are this keeper's to make, and
// whether more of them are to be claimed. What it decided it tells first: what is told twice is known by its ID, what is not told would never be.
func (k *Keeper) write(ctx context.Context, book *Book, seen []Record, ends map[string]*ecsevent.Standalone, now time.Time) (mine []Record, more bool, err error) {
	if len(seen)+len(ends) == 0 {
		return nil, false, nil
	}
	var notes []journal.Entry
	for arn, t := range ends {
		o := *book.Origin(arn)
		k.ended(&o, t)
		notes = append(notes, endNote(&o))
	}
	k.tell(ctx, slices.DeleteFunc(slices.Clone(seen), func(r Record) bool { return r.Verdict == Again }), notes...)
	err = update(ctx, k.o.Store, now, func(b *Book) bool {
		mine, more = nil, false
		changed := false
		shut := b.shut(now)
		for i, r := range seen {
			if b.Find(r.Task) != nil {
				continue // another guard has it
			}
			changed = true
			r.At = now.Add(time.Duration(i) * time.Microsecond).UTC()
			if r.Verdict == Again {
				r.Try, r.Due, r.Next = 1, r.At, now.UTC()
				if o, is := shut[[2]string{r.Region, r.Cluster}]; is {
					r.putOff(&o, o.Due)
				} else if len(mine) < sliceMax {
					r.Next = now.Add(k.claim()).UTC()
					mine = append(mine, r)
				} else {
					more = true
				}
			} else {
				b.count(r.At, Day{Left: 1})
			}
			b.Records = append(b.Records, r)
		}
		for arn, t := range ends {
			if o := b.Origin(arn); o != nil && o.Ended.IsZero() {
				changed = true
				b.count(t.StoppedAt, k.ended(o, t))
			}
		}
		return changed
	})
	return mine, more, err
}

// shut are the regions and clusters that are left alone for now, each with the record that waits the longest for it.
func (b *Book) shut(now time.Time) map[[2]string]Record {
	out := make(map[[2]string]Record)
	for _, r := range b.Records {
		if at := [2]string{r.Region, r.Cluster}; r.Open() && r.Waits > 0 && r.Due.After(now) && r.Due.After(out[at].Due) {
			out[at] = r
		}
	}
	return out
}

// ended notes how long a task that was started again ran, and returns what that cost.
func (k *Keeper) ended(o *Record, t *ecsevent.Standalone) Day {
	ran := runtask.Billed(t.PulledAt, t.StoppedAt)
	o.Ended, o.Ran = t.StoppedAt.UTC(), ran.Seconds()
	day := Day{Ended: 1, Hours: ran.Hours()}
	size := runtask.Size{Region: t.Region, CPU: float64(t.CPU), Memory: float64(t.Memory), ARM64: t.ARM64}
	onDemand, known := size.Cost(k.o.Prices, failover.OnDemand, ran)
	spot, known2 := size.Cost(k.o.Prices, failover.Spot, ran)
	if !known || !known2 {
		day.Unpriced = 1
		return day
	}
	day.USD, day.SpotUSD = onDemand, spot
	return day
}
