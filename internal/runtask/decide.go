package runtask

import (
	"slices"
	"time"
)

// End is how a task ended.
type End int

// The ends of a task.
const (
	// Alive: it has not ended.
	Alive End = iota
	// Finished: its essential container has exited, whatever its exit code.
	Finished
	// Lost: AWS took it back, or ended it for reasons of its own, while it ran.
	Lost
	// NotStarted: it never ran, for want of capacity or as it was too slow.
	NotStarted
	// Failed: it could not start for a reason that another pool does not change, or somebody stopped it.
	Failed
)

// Task is what deciding needs of a task.
type Task struct {
	ARN string
	// Attempt counts the starts of the same work, from 1; Losses how often it was lost before; Pool is the index of the pool.
	Attempt, Losses, Pool int
	Created               time.Time
	// Running: it has started, Stopping: it was told to stop.
	Running, Stopping bool
	End               End
}

// Rules are what a run is asked to do.
type Rules struct {
	// Count is how many tasks are wanted, Pools how many pools there are, the first the cheapest.
	Count, Pools int
	// StartWithin is how long a task may take to run before the next pool is tried; 0: as long as it takes. Retries is how often the same
	// work may be lost and started again.
	StartWithin time.Duration
	Retries     int
}

// Start is a number of tasks to start from a pool on.
type Start struct{ Attempt, Losses, Pool, Count int }

// Plan is what is to be done.
type Plan struct {
	// Starts is in the order in which to make them.
	Starts []Start
	// Stops are tasks that have not started in time.
	Stops []string
	// Done: every task that is wanted has ended, and none is to be started again.
	Done bool
	// Again is when to look again for a task that does not start in time; zero: there is none.
	Again time.Time
}

// StartsMax is how often the same work may end before it runs, however often it was lost: what never starts on the last pool (a subnet without
// addresses, say) would be started for ever.
const StartsMax = 20

// next is the pool after one; the last one stays.
func (r *Rules) next(pool int) int { return min(pool+1, r.Pools-1) }

// wants says what must take an ended task's place, if anything.
func (r *Rules) wants(t *Task) (s Start, ok bool) {
	switch {
	case t.End == NotStarted && t.Attempt-t.Losses < StartsMax:
		return Start{t.Attempt + 1, t.Losses, r.next(t.Pool), 1}, true
	case t.End == Lost && t.Losses < r.Retries:
		return Start{t.Attempt + 1, t.Losses + 1, r.next(t.Pool), 1}, true
	}
	return Start{}, false
}

// Decide says what is to be done about the tasks of a run, in any order. The tasks that are wanted are all alike: one that takes the place of another
// is known by its attempt and its losses alone.
func Decide(r *Rules, tasks []Task, now time.Time) Plan {
	type place struct{ attempt, losses int }
	wanted := map[place][]int{{1, 0}: slices.Repeat([]int{0}, r.Count)}
	have := map[place]int{}
	var p Plan
	alive := false
	for i := range tasks {
		t := &tasks[i]
		have[place{t.Attempt, t.Losses}]++
		alive = alive || t.End == Alive
		if s, ok := r.wants(t); ok {
			at := place{s.Attempt, s.Losses}
			wanted[at] = append(wanted[at], s.Pool)
		}
		if t.End != Alive || t.Running || t.Stopping || r.StartWithin <= 0 || r.next(t.Pool) == t.Pool {
			continue
		}
		if at := t.Created.Add(r.StartWithin); !now.Before(at) {
			p.Stops = append(p.Stops, t.ARN)
		} else if p.Again.IsZero() || at.Before(p.Again) {
			p.Again = at
		}
	}
	for at, pools := range wanted {
		slices.Sort(pools)
		for _, pool := range pools[min(have[at], len(pools)):] {
			k := slices.IndexFunc(p.Starts, func(s Start) bool { return s.Attempt == at.attempt && s.Losses == at.losses && s.Pool == pool })
			if k < 0 {
				k, p.Starts = len(p.Starts), append(p.Starts, Start{at.attempt, at.losses, pool, 0})
			}
			p.Starts[k].Count++
		}
	}
	slices.SortFunc(p.Starts, func(a, b Start) int {
		return slices.Compare([]int{a.Attempt, a.Losses, a.Pool}, []int{b.Attempt, b.Losses, b.Pool})
	})
	slices.Sort(p.Stops)
	p.Done = !alive && len(p.Starts) == 0
	return p
}
