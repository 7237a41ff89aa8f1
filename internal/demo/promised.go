package demo

import (
	"fmt"
	"time"
)

// Promise is what the product promises of a scenario, and how a play is held against it.
type Promise struct {
	// Text is the promise in words.
	Text string
	// Holds reports whether a play kept it, and what was measured.
	Holds func(*Outcome) (kept bool, measured string)
}

// Promised is a promise after the play.
type Promised struct {
	Text     string `json:"text"`
	Kept     bool   `json:"kept"`
	Measured string `json:"measured"`
}

// Outcome is what is measured of a play besides its summary. Times are since the beginning.
type Outcome struct {
	Tasks int
	Gaps  []Gap
	Asks  []Ask
}

// Gap is one time in which fewer tasks served than were wanted.
type Gap struct {
	From, Long  time.Duration
	Most        int // missing at most
	TaskSeconds float64
}

// Ask is one desired count that was set for on-demand.
type Ask struct {
	At        time.Duration
	From, To  int
	InService int // of both services, as the daemon saw it
}

// missingBetween sums up the task-minutes that were missing in gaps which began in a time, and the most at once.
func (o *Outcome) missingBetween(from, to time.Duration) (minutes float64, most int) {
	for _, g := range o.Gaps {
		if g.From >= from && g.From < to {
			minutes += g.TaskSeconds / 60
			most = max(most, g.Most)
		}
	}
	return minutes, most
}

// firstRaise returns the first raise of on-demand at a moment or after it.
func (o *Outcome) firstRaise(from time.Duration) (Ask, bool) {
	for _, a := range o.Asks {
		if a.At >= from && a.To > a.From {
			return a, true
		}
	}
	return Ask{}, false
}

// mostAsked is the largest count that on-demand was asked for.
func (o *Outcome) mostAsked() int {
	most := 0
	for _, a := range o.Asks {
		most = max(most, a.To)
	}
	return most
}

// fullFrom promises that nothing is missing in gaps that begin in a time.
func fullFrom(text string, from, to time.Duration) Promise {
	return Promise{text, func(o *Outcome) (bool, string) {
		minutes, most := o.missingBetween(from, to)
		return most == 0, fmt.Sprintf("%.1f task-minutes missing, at most %d at once", minutes, most)
	}}
}

// coveredWithin promises that a loss of some tasks is covered: on-demand is asked for so many at least within a time.
func coveredWithin(text string, loss time.Duration, least int, within time.Duration) Promise {
	return Promise{text, func(o *Outcome) (bool, string) {
		a, ok := o.firstRaise(loss)
		if !ok {
			return false, "on-demand was never raised"
		}
		return a.To-a.From >= least && a.At-loss <= within, fmt.Sprintf("on-demand raised from %d to %d after %.1f s", a.From, a.To, (a.At - loss).Seconds())
	}}
}

// atMostAsked promises that on-demand is never asked for more than a number of tasks.
func atMostAsked(text string, most int) Promise {
	return Promise{text, func(o *Outcome) (bool, string) {
		n := o.mostAsked()
		return n <= most, fmt.Sprintf("at most %d were asked for", n)
	}}
}

// missingAtMost promises that no more task-minutes are missing in a time than given.
func missingAtMost(text string, from, to time.Duration, most float64) Promise {
	return Promise{text, func(o *Outcome) (bool, string) {
		minutes, _ := o.missingBetween(from, to)
		return minutes <= most, fmt.Sprintf("%.1f task-minutes missing", minutes)
	}}
}

// followedStepwise promises of a demand that runs away in a gap that began at a moment that on-demand is asked for as many again as were
// wanted then in each start-up time, and for what is started on top to cut the slowest starts.
func followedStepwise(text string, from time.Duration, wanted int, unit time.Duration) Promise {
	return Promise{text, func(o *Outcome) (bool, string) {
		kept, worst := true, Ask{}
		for _, a := range o.Asks {
			if a.At < from || a.To <= a.From {
				continue
			}
			most := wanted * (2 + int((a.At-from)/unit))
			kept = kept && a.To <= most+surplus(most)
			if a.To-a.From > worst.To-worst.From {
				worst = a
			}
		}
		return kept, fmt.Sprintf("the largest step was from %d to %d, %.0f minutes into the gap", worst.From, worst.To, (worst.At - from).Minutes())
	}}
}

// held holds a play against the promises of its scenario.
func held(promises []Promise, o *Outcome) []Promised {
	out := make([]Promised, 0, len(promises))
	for _, p := range promises {
		kept, measured := p.Holds(o)
		out = append(out, Promised{p.Text, kept, measured})
	}
	return out
}
