package verify

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// path are the statuses of a task that ran and was stopped in an orderly way, in their order.
var path = []string{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"}

// whole is the share of the tasks of which a status is missing above which it is taken not to be sent at all.
const whole = 0.9

// life is what the events told of one task.
type life struct {
	first map[string]event // by status, each event's first delivery
}

// eventsSeen holds the events against the tasks, which have all run and stopped.
func (l *lab) eventsSeen(every [][]types.Task) {
	lives := map[string]*life{}
	created := map[string]time.Time{}
	started := map[string]float64{}
	for _, g := range every {
		for i := range g {
			if d, ok := begun(&g[i]); ok {
				arn := aws.ToString(g[i].TaskArn)
				lives[arn] = &life{first: map[string]event{}}
				created[arn], started[arn] = *g[i].CreatedAt, d
			}
		}
	}
	if len(lives) == 0 {
		return
	}
	ids := map[string]bool{}
	var delays []float64
	all, twice, passed := 0, 0, 0
	newest := map[string]int{}
	slices.SortStableFunc(l.events, func(a, b event) int { return a.sent.Compare(b.sent) })
	for i := range l.events {
		e := &l.events[i]
		of := lives[e.Detail.TaskARN]
		if e.Type != taskChange || of == nil {
			continue
		}
		all++
		if ids[e.ID] {
			twice++
			continue
		}
		ids[e.ID] = true
		if v := e.Detail.Version; v < newest[e.Detail.TaskARN] {
			passed++
		} else {
			newest[e.Detail.TaskARN] = v
		}
		if !e.Detail.UpdatedAt.IsZero() {
			delays = append(delays, e.sent.Sub(e.Detail.UpdatedAt).Seconds())
		}
		if known, ok := of.first[e.Detail.LastStatus]; !ok || e.Detail.Version < known.Detail.Version {
			of.first[e.Detail.LastStatus] = *e
		}
	}
	l.seen.Set("A27", "median delay of events", quantile(delays, 0.5), len(delays))
	l.seen.Set("A27", "share of events delivered twice", float64(twice)/float64(max(1, all)), all)
	l.seen.Set("A27", "share of events out of order", float64(passed)/float64(max(1, len(ids))), len(ids))
	l.statusesSeen(lives)
	var activating []float64
	for arn, of := range lives {
		if e, ok := of.first["ACTIVATING"]; ok && started[arn] > 0 && !e.Detail.UpdatedAt.IsZero() {
			activating = append(activating, e.Detail.UpdatedAt.Sub(created[arn]).Seconds()/started[arn])
		}
	}
	l.seen.Set("A4", "share before ACTIVATING", quantile(activating, 0.5), len(activating))
}

// statusesSeen tells events that are never sent from such as were lost, and looks at the versions.
func (l *lab) statusesSeen(lives map[string]*life) {
	silent, lost, expected := 0, 0, 0
	for _, status := range path {
		missing := 0
		for _, of := range lives {
			if _, ok := of.first[status]; !ok {
				missing++
			}
		}
		if float64(missing) > whole*float64(len(lives)) {
			silent++
			continue
		}
		lost += missing
		expected += len(lives)
	}
	if silent == len(path) {
		return // no event came at all: nothing is known of them
	}
	l.seen.Set("A44", "statuses of which no task sent an event", float64(silent), len(lives))
	l.seen.Set("A27", "share of events lost", float64(lost)/float64(expected), expected)
	var steps []float64
	for _, of := range lives {
		for i := 1; i < 4; i++ { // up to RUNNING nothing but the status changes
			a, ok := of.first[path[i-1]]
			b, too := of.first[path[i]]
			if ok && too {
				steps = append(steps, float64(b.Detail.Version-a.Detail.Version))
			}
		}
	}
	if len(steps) > 0 {
		l.seen.Set("A44", "version from one status to the next", mean(steps), len(steps))
	}
}
