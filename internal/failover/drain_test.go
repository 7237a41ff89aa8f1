package failover

import (
	"testing"
	"time"
)

func TestDrain(t *testing.T) {
	warned := func(n int, left time.Duration) []Task {
		tasks := stageTasks("w", n, Leaving, "", time.Hour)
		for i := range tasks {
			tasks[i].EndsAt = stageNow.Add(left)
		}
		return tasks
	}
	for _, c := range []struct {
		situation string
		drains    []Task
		serving   int
		may       bool
		want      int
	}{
		{"nothing is under notice", nil, 20, true, 0},
		{"tasks in service stand in the place of the warned ones", warned(3, 90*time.Second), 20, true, 3},
		{"none does yet, and there is time", warned(3, 90*time.Second), 17, true, 0},
		{"shortly before they end", warned(3, 25*time.Second), 17, true, 3},
		{"at once where the end is unknown", stageTasks("w", 3, Leaving, "", time.Hour), 17, true, 3},
		{"never the last that serves", warned(3, time.Second), 0, true, 0},
		{"not in a pool that may not be touched", warned(3, time.Second), 20, false, 0},
		{"a few at a time", warned(50, time.Second), 20, true, drainsMax},
	} {
		p, s, o := stagePolicy(), stageState(), Observation{At: stageNow}
		p.Pools[0].Drain, p.Pools[0].DrainBefore = DrainLate, 25*time.Second
		in := planInput{p: &p, s: &s, o: &o, goal: &Goal{Demand: 20}, may: []May{{Drain: c.may}, {}},
			known: []Known{{Drains: c.drains, InService: Exactly(c.serving)}, {}}}
		var l lists
		in.drain(&l, 0)
		if len(l.drains) != c.want {
			t.Errorf("%s: %d tasks are drained, want %d", c.situation, len(l.drains), c.want)
		}
		for i, a := range l.drains {
			equal(t, "drained", a, Action(DrainTask{Pool: "spot", Task: c.drains[i].ID}))
		}
	}
}
