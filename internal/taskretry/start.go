package taskretry

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/notice"
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
	now := k.o.Now()
	due := func(r *Record) bool { return r.Open() && !now.Before(r.Next) && k.place(r.Region, r.Cluster) != nil }
	if slices.ContainsFunc(book.Records, func(r Record) bool { return due(&r) }) {
		var mine, gone []Record
		err = update(ctx, k.o.Store, now, func(b *Book) bool {
			mine, gone = nil, nil
			for i := range b.Records {
				if r := &b.Records[i]; due(r) && now.Sub(r.Stopped) >= giveUpAfter {
					gone = append(gone, *b.giveUp(r, now))
				} else if due(r) {
					r.Next = now.Add(claimFor).UTC()
					mine = append(mine, *r)
				}
			}
			return len(mine)+len(gone) > 0
		})
		if err != nil {
			return next, err
		}
		k.tell(ctx, gone)
		k.start(ctx, mine, nil)
		if book, _, err = load(ctx, k.o.Store); err != nil {
			return next, err
		}
	}
	for i := range book.Records {
		if r := &book.Records[i]; r.Open() && (next.IsZero() || r.Next.Before(next)) {
			next = r.Next
		}
	}
	return next, nil
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

func (b *Book) giveUp(r *Record, now time.Time) *Record {
	r.Verdict, r.Attempt = GivenUp, max(r.Attempt-1, 1)
	if r.Text == "" {
		r.Text = "AWS gave no answer in time"
	}
	b.count(now, Day{Left: 1})
	return r
}

// outcome is what came of one call.
type outcome struct {
	before, after Record
	arn           string
	err           error
	forgot        bool // ECS does not know the stopped task any more, or it has no tag any more
}

// start makes the calls of records, and keeps what came of them. told is what is known of their tasks; the others are read.
func (k *Keeper) start(ctx context.Context, mine []Record, told map[string]Told) {
	if len(mine) == 0 {
		return
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
	if told == nil {
		told = make(map[string]Told)
	}
	failed := make(map[*Place]error)
	for p, arns := range byPlace {
		got, err := k.o.Tasks.Describe(ctx, p, arns)
		failed[p] = err
		for arn, t := range got {
			told[arn] = t
		}
	}
	var calls sync.WaitGroup
	slots := make(chan struct{}, sideBySide)
	for i := range all {
		o := &all[i]
		p := k.place(o.before.Region, o.before.Cluster)
		t, known := told[o.before.Task]
		if !known || t.Call == nil {
			o.err, o.forgot = failed[p], failed[p] == nil
			continue
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			callCtx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			o.arn, o.err = k.o.Tasks.Start(callCtx, p, &t, order(&o.before))
		})
	}
	calls.Wait()
	k.settle(ctx, all)
}

// settle keeps what came of calls, and tells of it. It tells first: what is told twice is known by its key, what is not told would never be.
func (k *Keeper) settle(ctx context.Context, all []outcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), control.StoreTimeout)
	defer cancel()
	now := k.o.Now()
	var news []Record
	for i := range all {
		o := &all[i]
		o.after = o.before
		o.apply(&o.after, now)
		if o.isNews() {
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
		for i := range all {
			o := &all[i]
			r := b.Find(o.before.Task)
			if r == nil || !r.Open() || r.Try != o.before.Try {
				continue // another guard has had the same answer
			}
			changed, *r = true, o.after
			switch {
			case r.Started != "":
				b.count(now, Day{Started: 1})
			case !r.Open():
				b.count(now, Day{Left: 1})
			}
		}
		return changed
	})
	if err != nil {
		k.o.Log.LogAttrs(ctx, slog.LevelWarn, "not recorded which tasks were started again; the calls are repeated with the same tokens", slog.Any(control.KeyErr, err))
	}
}

// isNews reports whether a person should be told. A trouble is told once; a call that is slow, or one too many, is none yet.
func (o *outcome) isNews() bool {
	trouble := o.after.Trouble
	return !o.after.Open() || trouble != o.before.Trouble && (trouble == troubleNoRoom || trouble == failover.ErrDenied)
}

// apply puts what came of the call into its record.
func (o *outcome) apply(r *Record, now time.Time) {
	if o.forgot {
		r.Verdict, r.Text, r.Attempt = GivenUp, "ECS does not know it any more, or its tag was taken away", max(r.Attempt-1, 1)
		return
	}
	if o.err == nil {
		r.Started, r.Next, r.Text, r.Trouble, r.Hint = o.arn, time.Time{}, "", "", ""
		return
	}
	kind := control.KindOf(o.err)
	r.Text, r.Hint, r.Trouble = clip(o.err.Error(), textMax), clip(control.HintOf(o.err), textMax), kind
	wait := againFirst
	if _, is := errors.AsType[*NoRoom](o.err); is {
		r.Trouble = troubleNoRoom
		wait = min(againFirst<<min(r.Try-1, 5), againMost)
		r.Try++
	}
	switch kind {
	case failover.ErrConflict: // its token has started it, by a call of another configuration
		r.Started, r.Next, r.Text, r.Trouble, r.Hint = Unknown, time.Time{}, "", "", ""
		return
	case failover.ErrInvalid, failover.ErrNotFound:
		r.Verdict, r.Attempt = Refused, max(r.Attempt-1, 1)
		return
	case failover.ErrDenied:
		wait = deniedFor
	}
	r.Next = now.Add(wait).UTC()
}

// troubleNoRoom marks a record whose last answer was that there is no room.
const troubleNoRoom failover.ErrorKind = "no_room"

// Words returns what is said of a record.
func (r *Record) Words() (text string, severity failover.Severity) {
	w := wording.Retried{Task: ecsevent.TaskID(r.Task), Family: r.Family, Cluster: r.Cluster, Why: strings.TrimSuffix(r.Why, "."), Attempt: r.Attempt, Allowed: r.Allowed}
	switch {
	case r.Started == Unknown:
		return wording.RetryStarted(&w, ""), failover.Info
	case r.Started != "":
		return wording.RetryStarted(&w, ecsevent.TaskID(r.Started)), failover.Info
	case r.Open() && r.Text == "":
		return wording.RetryWaits(&w, "its call is under way", r.Stopped.Add(giveUpAfter)), failover.Info
	case r.Open():
		return wording.RetryWaits(&w, strings.TrimSuffix(r.Text, "."), r.Stopped.Add(giveUpAfter)), failover.Warning
	case r.Verdict == UsedUp:
		return wording.RetryUsedUp(&w), failover.Warning
	}
	return wording.RetryLeft(&w, strings.TrimSuffix(r.Text, ".")), failover.Warning
}

// notice is what a person is told of a record.
func (r *Record) notice() failover.Notice {
	text, severity := r.Words()
	kind := notice.NotStartedAgain
	if r.Started != "" {
		kind = notice.StartedAgain
	}
	phase := ""
	if r.Open() {
		phase = "/" + string(r.Trouble)
	}
	return failover.Notice{Key: Name(r.Cluster) + "/" + string(kind) + "/" + ecsevent.TaskID(r.Task) + phase, Severity: severity, Text: text, Do: r.Hint}
}

// tell writes records to the journal and has them told. An entry's ID is made of the notice, so that one that is written again is the same.
func (k *Keeper) tell(ctx context.Context, records []Record, notes ...journal.Entry) {
	if len(records)+len(notes) == 0 {
		return
	}
	byCluster := make(map[string][]failover.Notice)
	entries := slices.Clone(notes)
	for i := range records {
		r := &records[i]
		n := r.notice()
		byCluster[r.Cluster] = append(byCluster[r.Cluster], n)
		at := r.At
		if r.Try > 1 || r.Verdict == GivenUp {
			at = k.o.Now()
		}
		entries = append(entries, entry(r.Cluster, at, n))
		level := slog.LevelInfo
		if n.Severity != failover.Info {
			level = slog.LevelWarn
		}
		k.o.Log.LogAttrs(ctx, level, "task of no service", slog.String("task", r.Task), slog.String("text", n.Text), slog.String(control.KeyHint, n.Do))
	}
	storeCtx, cancel := context.WithTimeout(ctx, control.StoreTimeout)
	defer cancel()
	if err := k.o.Store.Append(storeCtx, entries); err != nil {
		k.o.Log.LogAttrs(ctx, slog.LevelWarn, "tasks of no service not written to the journal", slog.Any(control.KeyErr, err))
	}
	for cluster, all := range byCluster {
		k.o.Tell(ctx, report(cluster, k.o.Now(), all))
	}
}

func report(cluster string, now time.Time, all []failover.Notice) control.Report {
	name := Name(cluster)
	return control.Report{Workload: name, Result: control.Committed, Started: now, Decision: failover.Decision{At: now, Notices: all}}
}

func entry(cluster string, at time.Time, n failover.Notice) journal.Entry {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(n.Key)) // never fails
	return journal.Entry{Version: journal.Version, ID: journal.NewID(at, sum.Sum32()), Workload: Name(cluster), At: at, Kind: journal.KindNotice, Notice: &n}
}

// endNote is the journal's line of a task that was started again and has ended.
func endNote(o *Record) journal.Entry {
	text := wording.RetryEnded(ecsevent.TaskID(o.Started), ecsevent.TaskID(o.Task), time.Duration(o.Ran*float64(time.Second)))
	return entry(o.Cluster, o.Ended, failover.Notice{Key: Name(o.Cluster) + "/ended/" + ecsevent.TaskID(o.Started), Severity: failover.Info, Text: text})
}
