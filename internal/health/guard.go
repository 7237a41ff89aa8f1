package health

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// Beat is what a guard (the daemon or the function) leaves of itself at each tick. Its times are of the guard's machine.
type Beat struct {
	Guard       string    `json:"guard"`
	At          time.Time `json:"at"`
	TickSeconds float64   `json:"tick_seconds"`
	Workloads   []string  `json:"workloads"`
	// Late says when the workloads that were not passed for some ticks were passed last; zero: never.
	Late map[string]time.Time `json:"late,omitempty"`
	// Events says when the last event of each pool came, by workload/pool. A pool without one has had none yet.
	Events map[string]time.Time `json:"events,omitempty"`
	// Started and Stopped are the same for the events that tell of a task's start, and of its stop or the warning of it. Since says from
	// when on events are counted.
	Started map[string]time.Time `json:"started,omitempty"`
	Stopped map[string]time.Time `json:"stopped,omitempty"`
	Since   time.Time            `json:"since,omitzero"`
	// Strangers counts the events of clusters in which the guard has no workload, StrangerClusters are the first few of these.
	Strangers        int      `json:"strangers,omitempty"`
	StrangerClusters []string `json:"stranger_clusters,omitempty"`
	// Unstored are the workloads whose state could not be read or written twice in a row: nothing is acted on meanwhile.
	Unstored []string `json:"unstored,omitempty"`
	// Refusing are the receivers of notices that refuse them for good, with what they say.
	Refusing map[string]string `json:"refusing,omitempty"`
}

// Tick is how often the guard looks.
func (b *Beat) Tick() time.Duration { return time.Duration(b.TickSeconds * float64(time.Second)) }

// LookAt returns the newest look at a workload that beats show; ok is false where no guard names it.
func LookAt(beats []Beat, workload string, now time.Time) (l Look, ok bool) {
	var at time.Time
	for i := range beats {
		b := &beats[i]
		if !slices.Contains(b.Workloads, workload) {
			continue
		}
		seen := b.At
		if late, is := b.Late[workload]; is {
			seen = late
		}
		if !ok || seen.After(at) {
			at, l, ok = seen, Look{Every: b.Tick()}, true
		}
	}
	if at.IsZero() {
		return Look{}, false
	}
	l.Age = max(0, now.Sub(at))
	return l, ok
}

// EventAt is when the last event of a pool came; zero where none has.
func EventAt(beats []Beat, workload, pool string) time.Time {
	var at time.Time
	for i := range beats {
		if t := beats[i].Events[workload+"/"+pool]; t.After(at) {
			at = t
		}
	}
	return at
}

// Heard says when the last events of a pool came: any, of a start and of a stop; zero where none has. Since is from when on a guard has
// counted them; zero: none has.
type Heard struct{ Last, Started, Stopped, Since time.Time }

// HeardOf returns what beats show of a pool's events.
func HeardOf(beats []Beat, workload, pool string) Heard {
	h := Heard{Last: EventAt(beats, workload, pool)}
	for i := range beats {
		b := &beats[i]
		key := workload + "/" + pool
		for _, is := range []struct {
			at  time.Time
			max *time.Time
		}{{b.Started[key], &h.Started}, {b.Stopped[key], &h.Stopped}} {
			if is.at.After(*is.max) {
				*is.max = is.at
			}
		}
		if slices.Contains(b.Workloads, workload) && !b.Since.IsZero() && (h.Since.IsZero() || b.Since.Before(h.Since)) {
			h.Since = b.Since
		}
	}
	return h
}

// Guard is a verdict on the guard itself.
type Guard struct {
	Level Level `json:"level"`
	// Text says what is wrong; empty where nothing is. Do and Command are the next step.
	Text    string `json:"text,omitempty"`
	Do      string `json:"do,omitempty"`
	Command string `json:"command,omitempty"`
	// Silent names the workloads that nothing looks at any more, Unstored those whose state cannot be kept.
	Silent   []string `json:"silent,omitempty"`
	Unstored []string `json:"unstored,omitempty"`
	// Refusing names the receivers that take no notices: a warning, as the workloads are guarded all the same.
	Refusing []string `json:"refusing,omitempty"`
}

// Watched is a workload and when it was looked at; Known is false for one that never was.
type Watched struct {
	Workload string
	Look     Look
	Known    bool
}

// GuardOf judges what guards the workloads.
func GuardOf(all []Watched, beats []Beat) Guard {
	g := Guard{Level: Fine}
	youngest := time.Duration(-1)
	never := 0
	for i := range all {
		w := &all[i]
		switch {
		case !w.Known:
			never++
			g.Silent = append(g.Silent, w.Workload)
			continue
		case w.Look.Silent():
			g.Silent = append(g.Silent, w.Workload)
		}
		if youngest < 0 || w.Look.Age < youngest {
			youngest = w.Look.Age
		}
	}
	refused := make(map[string]string)
	for i := range beats {
		maps.Copy(refused, beats[i].Refusing)
		for _, name := range beats[i].Unstored {
			if !slices.Contains(g.Unstored, name) && slices.ContainsFunc(all, func(w Watched) bool { return w.Workload == name }) {
				g.Unstored = append(g.Unstored, name)
			}
		}
	}
	switch {
	case len(all) > 0 && never == len(all):
		g.Level, g.Text = Critical, "no guard has run yet: nothing is covered"
	case len(all) > 0 && len(g.Silent) == len(all):
		g.Level, g.Text = Critical, fmt.Sprintf("the guard is silent: nothing was checked for %s, and nothing is covered meanwhile", wording.Span(youngest))
	case len(g.Silent) > 0:
		g.Level, g.Text = Critical, fmt.Sprintf("%s of %d not checked: %s", wording.Count(len(g.Silent), "workload"), len(all), wording.Some(g.Silent))
	case len(g.Unstored) > 0:
		g.Level, g.Text = Critical, fmt.Sprintf("the state of %s cannot be read or written: nothing is acted on", wording.Some(g.Unstored))
		g.Do, g.Command = "check the table's permissions, or the disk", "backstop doctor"
		return g
	case len(refused) > 0:
		g.Refusing = slices.Sorted(maps.Keys(refused))
		g.Level, g.Text = Warning, fmt.Sprintf("no notices reach %s: %s", wording.Some(g.Refusing), refused[g.Refusing[0]])
		g.Do, g.Command = wording.ReceiverRemedy.Do, wording.ReceiverRemedy.Command
		return g
	default:
		return g
	}
	g.Do, g.Command = wording.SilentRemedy.Do, wording.SilentRemedy.Command
	return g
}
