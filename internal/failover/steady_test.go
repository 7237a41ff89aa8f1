package failover

import (
	"reflect"
	"testing"
	"time"
)

// condensed is an observation with the tasks of closed pools that are steady counted instead of listed.
func condensed(p *Policy, s *State, o Observation) (Observation, int) {
	noticed := map[string]bool{}
	for i := range s.Window {
		noticed[s.Window[i].ID] = true
	}
	for i := range o.Signals {
		noticed[evidenceID(&o.Signals[i])] = true
	}
	pools, counted := make([]PoolObservation, len(o.Pools)), 0
	for i, po := range o.Pools {
		all := po.Tasks
		if po.Listed && s.Pool(po.Pool).B.Mode == Closed {
			po.Tasks = nil
			for _, t := range all {
				if t.Phase == Running && !t.StartedAt.After(o.At.Add(-p.SteadyAfter())) && !noticed[taskKey(t.ID)] {
					po.Steady++
				} else {
					po.Tasks = append(po.Tasks, t)
				}
			}
		}
		counted += po.Steady
		pools[i] = po
	}
	o.Pools = pools
	return o, counted
}

// holdSteady fails unless counting steady tasks instead of listing them decides the same. Every pass of every test calls it.
func (l *lab) holdSteady(before State, o Observation, after State, d Decision) {
	l.t.Helper()
	short, counted := condensed(&l.p, &before, o)
	if counted == 0 {
		return
	}
	l.steady++
	again, e := Decide(l.p, before, short)
	if !reflect.DeepEqual(again, after) || !reflect.DeepEqual(e, d) {
		l.t.Errorf("at %s: with %d steady tasks counted instead of listed\n%+v\n%+v\nand listed\n%+v\n%+v", l.now.Sub(epoch), counted, e, again, d, after)
	}
	for _, v := range Check(l.p, before, short, again, e) {
		l.t.Errorf("at %s: %s with steady tasks counted", l.now.Sub(epoch), v)
	}
}

func TestSteadyTasksMayBeCountedInsteadOfListed(t *testing.T) {
	l := newLab(t, PresetSwitch, 40)
	l.interrupt("spot", 12)
	if d := l.pass(); d.Mode != ModeOnDemand {
		t.Fatalf("mode %s after a loss that trips the breaker, want on_demand", d.Mode)
	}
	for range 40 {
		l.advance(time.Minute)
		l.pass()
	}
	if l.steady == 0 {
		t.Error("no pass had tasks that could be counted")
	}
}
