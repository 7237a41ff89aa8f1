package taskretry

import (
	"cmp"
	"context"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// troubleNoRoom marks a record whose last answer was that there is no room.
const troubleNoRoom failover.ErrorKind = "no_room"

// Words returns what is said of a record.
func (r *Record) Words() (text string, severity failover.Severity) {
	w := wording.Retried{Task: ecsevent.TaskID(r.Task), Family: r.Family, Cluster: r.Cluster, Why: strings.TrimSuffix(r.Why, "."), Attempt: r.Attempt, Allowed: r.Allowed}
	switch {
	case r.Started != "":
		return wording.RetryStarted(&w, ecsevent.TaskID(r.Started)), failover.Info
	case r.Open() && r.Text == "":
		return wording.RetryWaits(&w, "its call is under way", r.Stopped.Add(giveUpAfter)), failover.Info
	case r.Open():
		return wording.RetryWaits(&w, strings.TrimSuffix(r.Text, "."), r.Stopped.Add(giveUpAfter)), failover.Warning
	case r.Verdict == UsedUp:
		return wording.RetryUsedUp(&w), failover.Warning
	case r.Verdict == Unsure:
		return wording.RetryUnsure(&w), failover.Warning
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

// tell writes records to the journal and has them told. An entry's time and ID are those of the record and the notice, not of the writing, so that one
// that is written again is the same.
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
		entries = append(entries, entry(r.Cluster, r.Due, n))
	}
	k.say(ctx, byCluster, entries)
}

func (k *Keeper) say(ctx context.Context, byCluster map[string][]failover.Notice, entries []journal.Entry) {
	storeCtx, cancel := context.WithTimeout(ctx, control.StoreTimeout)
	defer cancel()
	if err := k.o.Store.Append(storeCtx, entries); err != nil {
		k.o.Log.LogAttrs(ctx, slog.LevelWarn, "tasks of no service not written to the journal", slog.Any(control.KeyErr, err))
	}
	for cluster, all := range byCluster {
		for i := range all {
			level := slog.LevelInfo
			if all[i].Severity != failover.Info {
				level = slog.LevelWarn
			}
			k.o.Log.LogAttrs(ctx, level, "task of no service", slog.String("text", all[i].Text), slog.String(control.KeyHint, all[i].Do))
		}
		k.o.Tell(ctx, report(cluster, k.o.Now(), all))
	}
}

// forgottenMost bounds the tasks that one notice names.
const forgottenMost = 10

// forgot tells of tasks that were lost and that ECS does not know any more: whether they were tagged has not come out.
func (k *Keeper) forgot(ctx context.Context, p *Place, all []*ecsevent.Standalone) {
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(x, y *ecsevent.Standalone) int {
		return cmp.Or(x.StoppedAt.Compare(y.StoppedAt), cmp.Compare(x.ARN, y.ARN))
	})
	var ids []string
	for _, t := range all[:min(len(all), forgottenMost)] {
		ids = append(ids, ecsevent.TaskID(t.ARN))
	}
	n := failover.Notice{Key: Name(p.Cluster) + "/" + string(notice.NotStartedAgain) + "/" + ids[0], Severity: failover.Warning, Text: wording.RetryForgotten(p.Cluster, len(all), ids),
		Do: "look whether their work has to be done again; `backstop doctor` says whether the queue keeps events for too long"}
	k.say(ctx, map[string][]failover.Notice{p.Cluster: {n}}, []journal.Entry{entry(p.Cluster, all[0].StoppedAt, n)})
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
