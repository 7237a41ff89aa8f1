package failover

import (
	"reflect"
	"testing"
	"time"
)

// TestARoomThatWasUsedBeforeChangesNothing: with one room for all passes the same is decided as with a new one for each, and what the
// pass before decided holds.
func TestARoomThatWasUsedBeforeChangesNothing(t *testing.T) {
	p, a, b := stagePolicy(), stageState(), stageState()
	var room Room
	for i := range 40 {
		o := Observation{At: stageNow.Add(time.Duration(i) * 10 * time.Second), Pools: []PoolObservation{
			{Pool: "spot", Desired: 20, Listed: true, Tasks: stageTasks("r", 20-i%7, Running, "", time.Hour)}, {Pool: "standard", Desired: i % 5, RunningCount: i % 4}}}
		o.Pools[0].RunningCount = len(o.Pools[0].Tasks)
		if i%3 == 0 {
			o.Signals = []Signal{{Kind: SignalInterruption, At: o.At, Pool: "spot", Task: o.Pools[0].Tasks[i%10].ID, StartedAt: ago(time.Hour)}}
		}
		before := b
		nextA, wantD := Step(&p, a, &o)
		nextB, gotD := StepIn(&room, &p, b, &o)
		if !reflect.DeepEqual(nextA, nextB) || !reflect.DeepEqual(wantD, gotD) {
			t.Fatalf("pass %d\n got %+v\nwant %+v", i, gotD, wantD)
		}
		if !reflect.DeepEqual(a, before) {
			t.Fatalf("pass %d changed the state that it was given", i)
		}
		a, b = nextA, nextB
	}
}
