package taskretry

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Pass finishes what is open and due: calls that died with their guard, and those that found no room. It returns when the next is due; zero: none is.
func (k *Keeper) Pass(ctx context.Context) (next time.Time, err error) {
	if k == nil {
		return next, nil
	}
	k.one.Lock()
	defer k.one.Unlock()
	book, _, err := load(ctx, k.o.Store)
	if err != nil {
		return next, err
	}
	k.begin(ctx)
	k.went = make(map[*Place]bool)
	now := k.o.Now()
	if slices.ContainsFunc(book.Records, func(r Record) bool { return k.due(&r, now) || r.late(now) }) {
		if err := k.giveUp(ctx, &book, now); err != nil {
			return next, err
		}
		if err := k.rest(ctx, nil); err != nil {
			return next, err
		}
		if book, _, err = load(ctx, k.o.Store); err != nil {
			return next, err
		}
	}
	for i := range book.Records {
		if r := &book.Records[i]; r.Open() && k.place(r.Region, r.Cluster) != nil && (next.IsZero() || r.Next.Before(next)) {
			next = r.Next
		}
	}
	return next, nil
}

// due reports whether a record's call may be claimed; late, whether its task is to be given up. Neither is so while a keeper has claimed the call.
func (k *Keeper) due(r *Record, now time.Time) bool {
	return r.Open() && !now.Before(r.Next) && !r.late(now) && k.place(r.Region, r.Cluster) != nil
}

func (r *Record) late(now time.Time) bool {
	return r.Open() && !now.Before(r.Next) && now.Sub(r.Stopped) >= giveUpAfter
}

// giveUp gives up what was tried for too long, wherever it ran: its cluster may not be in the configuration any more. It tells first.
func (k *Keeper) giveUp(ctx context.Context, book *Book, now time.Time) error {
	var gone []Record
	for _, r := range book.Records {
		if r.late(now) {
			gone = append(gone, r.gone(cmp.Or(r.Text, "AWS gave no answer in time")))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	k.tell(ctx, gone)
	return update(ctx, k.o.Store, now, func(b *Book) bool {
		changed := false
		for i := range b.Records {
			if r := &b.Records[i]; r.late(now) {
				changed, *r = true, r.gone(cmp.Or(r.Text, "AWS gave no answer in time"))
				b.count(now, Day{Left: 1})
			}
		}
		return changed
	})
}

// gone is a record whose task is given up.
func (r Record) gone(why string) Record {
	r.Verdict, r.Attempt, r.Text, r.Due = GivenUp, max(r.Attempt-1, 1), why, r.Stopped.Add(giveUpAfter)
	return r
}

// begin has the notices told that a guard died before it could tell.
func (k *Keeper) begin(ctx context.Context) {
	if k.begun {
		return
	}
	k.begun = true
	for i := range k.o.Places {
		k.o.Tell(ctx, report(k.o.Places[i].Cluster, k.o.Now(), nil))
	}
}

// rest makes the calls that are due, a slice at a time: no more are claimed than their claim is long enough for.
func (k *Keeper) rest(ctx context.Context, told map[string]Told) error {
	for ctx.Err() == nil {
		now := k.o.Now()
		var mine []Record
		err := update(ctx, k.o.Store, now, func(b *Book) bool {
			mine = nil
			var due []*Record
			for i := range b.Records {
				if r := &b.Records[i]; k.due(r, now) {
					due = append(due, r)
				}
			}
			// Those that had the fewest answers come first, so that one for which there is never room holds up no other.
			slices.SortStableFunc(due, func(x, y *Record) int { return cmp.Or(cmp.Compare(x.Try, y.Try), x.Stopped.Compare(y.Stopped)) })
			for _, r := range due[:min(len(due), sliceMax)] {
				r.Next = now.Add(k.claim()).UTC()
				mine = append(mine, *r)
			}
			return len(mine) > 0
		})
		if err != nil || len(mine) == 0 {
			return err
		}
		if !k.start(ctx, mine, told) {
			return nil
		}
	}
	return nil
}

// outcome is what came of one call.
type outcome struct {
	before, after Record
	arn           string
	err           error
	forgot        bool // ECS does not know the stopped task any more, or it has no tag any more
	unmade        bool // its claim was over, or its place is left alone
}

// start makes the calls of records, and keeps what came of them; it reports whether that is kept. told is what is known of their tasks; the others are
// read.
func (k *Keeper) start(ctx context.Context, mine []Record, told map[string]Told) bool {
	if len(mine) == 0 {
		return true
	}
	all := make([]outcome, len(mine))
	byPlace := make(map[*Place][]string)
	for i := range mine {
		all[i].before = mine[i]
		if _, known := told[mine[i].Task]; !known {
			p := k.place(mine[i].Region, mine[i].Cluster)
			byPlace[p] = append(byPlace[p], mine[i].Task)
		}
	}
	looked, failed := make(map[string]Told), make(map[*Place]error)
	for p, arns := range byPlace {
		looked, failed[p] = k.look(ctx, p, arns, looked)
	}
	shut := make(map[*Place]*outcome) // the answer for which a place is left alone
	for group := range slices.Chunk(all, sideBySide) {
		var under sync.WaitGroup
		for i := range group {
			o := &group[i]
			p := k.place(o.before.Region, o.before.Cluster)
			t, known := told[o.before.Task]
			if !known {
				t, known = looked[o.before.Task]
			}
			if !known || t.Call == nil {
				o.err = cmp.Or(failed[p], t.Err)
				o.forgot = o.err == nil
			} else if o.unmade = shut[p] != nil; !o.unmade {
				under.Go(func() { k.call(ctx, p, &t, o) })
			}
		}
		under.Wait()
		for i := range group {
			o := &group[i]
			p := k.place(o.before.Region, o.before.Cluster)
			k.went[p] = k.went[p] || o.arn != ""
			if o.shuts() && (shut[p] == nil || o.before.Waits > shut[p].before.Waits) {
				shut[p] = o
			}
		}
	}
	for i := range all {
		if o := &all[i]; k.went[k.place(o.before.Region, o.before.Cluster)] {
			o.before.Waits = 0 // the place takes some at a time: it need not wait for longer each time
		}
	}
	return k.settle(ctx, all, shut)
}

func (k *Keeper) look(ctx context.Context, p *Place, arns []string, into map[string]Told) (map[string]Told, error) {
	got, err := k.o.Tasks.Describe(ctx, p, arns)
	for arn, t := range got {
		into[arn] = t
	}
	return into, err
}

// call makes a call within its claim: after that it is another keeper's, with a token that may be another.
func (k *Keeper) call(ctx context.Context, p *Place, t *Told, o *outcome) {
	left := k.o.Ours(o.before.Next.Sub(k.o.Now()))
	if o.unmade = left <= 0 || ctx.Err() != nil; o.unmade {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, callTimeout))
	defer cancel()
	o.arn, o.err = k.o.Tasks.Start(ctx, p, t, order(&o.before))
}

// shuts reports whether the answer says that the next call for the same place is in vain for now.
func (o *outcome) shuts() bool {
	_, noRoom := errors.AsType[*NoRoom](o.err)
	return noRoom || o.err != nil && control.KindOf(o.err) == failover.ErrThrottled
}

// wait is for how long a place is left alone after its answer to a record that had so many before.
func wait(waits int) time.Duration { return min(againFirst<<min(waits, 5), againMost) }

// settle keeps what came of calls, and tells of it. It tells first: what is told twice is known by its ID, what is not told would never be. What else is
// due in a place that is left alone waits as long.
func (k *Keeper) settle(ctx context.Context, all []outcome, shut map[*Place]*outcome) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), control.StoreTimeout)
	defer cancel()
	now := k.o.Now()
	var news []Record
	for i := range all {
		o := &all[i]
		if o.unmade {
			continue
		}
		o.after = o.before
		if o.apply(&o.after, now) {
			news = append(news, o.after)
		}
		if o.err != nil {
			k.o.Log.LogAttrs(ctx, slog.LevelWarn, "task not started again", slog.String("task", o.before.Task), slog.Any(control.KeyErr, o.err),
				slog.String(control.KeyHint, control.HintOf(o.err)))
		}
	}
	k.tell(ctx, news)
	err := update(ctx, k.o.Store, now, func(b *Book) bool {
		changed := false
		free := make(map[string]bool) // this keeper's, and not called for
		for i := range all {
			o := &all[i]
			r := b.Find(o.before.Task)
			if r == nil || !r.Open() || r.Try != o.before.Try {
				continue // another guard has had the same answer
			}
			if o.unmade {
				free[r.Task] = r.Next.Equal(o.before.Next)
				continue
			}
			changed, *r = true, o.after
			switch {
			case r.Open():
				r.Due = r.Next
			case r.Started != "":
				b.count(now, Day{Started: 1})
			default:
				b.count(now, Day{Left: 1})
			}
		}
		for i := range b.Records {
			r := &b.Records[i]
			if o := shut[k.place(r.Region, r.Cluster)]; o != nil && (free[r.Task] || k.due(r, now)) {
				changed = true
				r.putOff(&o.after, now.Add(wait(o.before.Waits)).UTC())
			}
		}
		return changed
	})
	k.log(ctx, err)
	return err == nil
}

// putOff has a record wait for its place as long as another, whose words it takes over where it has none of its own.
func (r *Record) putOff(o *Record, until time.Time) {
	r.Waits, r.Due, r.Next = o.Waits, until, until
	if r.Text == "" {
		r.Text, r.Trouble, r.Hint = o.Text, o.Trouble, o.Hint
	}
}

func (k *Keeper) log(ctx context.Context, err error) {
	if err != nil {
		k.o.Log.LogAttrs(ctx, slog.LevelWarn, "not recorded which tasks were started again; the calls are repeated with the same tokens", slog.Any(control.KeyErr, err))
	}
}

// apply puts what came of the call into its record, and reports whether a person should be told. A trouble is told once; a call that is slow, or one too
// many, is none yet.
func (o *outcome) apply(r *Record, now time.Time) (news bool) {
	kind := control.KindOf(o.err)
	_, noRoom := errors.AsType[*NoRoom](o.err)
	switch {
	case o.forgot:
		due := r.Due
		*r = r.gone("ECS does not know it any more, or its tag was taken away")
		r.Due = due
		return true
	case o.err == nil:
		r.Started, r.Next, r.Text, r.Trouble, r.Hint = o.arn, time.Time{}, "", "", ""
		return true
	case noRoom:
		kind = troubleNoRoom
	case kind == failover.ErrConflict: // ECS had an answer for its token already, to a call of another configuration: a task, or failures alone
		r.Verdict, r.Attempt, r.Trouble = Unsure, max(r.Attempt-1, 1), kind
		r.Text, r.Hint = clip(o.err.Error(), textMax), clip(wording.RetryLook(r.Region, r.Cluster, r.Family), textMax)
		return true
	}
	lasting := noRoom || kind == failover.ErrDenied || kind == failover.ErrInvalid || kind == failover.ErrNotFound
	if lasting || !told(r.Trouble) {
		r.Text, r.Hint, r.Trouble = clip(o.err.Error(), textMax), clip(control.HintOf(o.err), textMax), kind
	}
	pause := againFirst
	switch {
	case !noRoom && (kind == failover.ErrInvalid || kind == failover.ErrNotFound):
		r.Verdict, r.Attempt = Refused, max(r.Attempt-1, 1)
		return true
	case noRoom:
		pause, r.Try, r.Waits = wait(r.Waits), r.Try+1, r.Waits+1
	case kind == failover.ErrThrottled:
		pause, r.Waits = wait(r.Waits), r.Waits+1
	case kind == failover.ErrDenied:
		pause, r.Waits = deniedFor, 0
	}
	r.Next = now.Add(pause).UTC()
	if told(kind) && !slices.Contains(r.Told, kind) {
		news = true
		r.Told = append(slices.Clone(r.Told), kind)
	}
	return news
}

// told reports whether a trouble of a kind is told: it lasts, or a person can do something about it.
func told(kind failover.ErrorKind) bool { return kind == troubleNoRoom || kind == failover.ErrDenied }
