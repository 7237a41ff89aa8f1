package failover

import (
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover/breaker"
)

func TestShareOut(t *testing.T) {
	short := func(k *Known) { k.Running, k.Unplaced = 5, 5 }
	for _, c := range []struct {
		situation string
		need      int
		edit      func(p *Policy, s *State, known []Known, tallies []Tally)
		want      []int
		shared    bool
	}{
		{"what they hold stays where it is", 30, func(*Policy, *State, []Known, []Tally) {}, []int{10, 10, 10}, false},
		{"what is wanted on top is spread", 36, func(*Policy, *State, []Known, []Tally) {}, []int{12, 12, 12}, true},
		{"a pool that was reclaimed lately gets less of it", 36, func(_ *Policy, s *State, _ []Known, _ []Tally) {
			s.Seen.Pools[0].Reclaims, s.Seen.Pools[0].ReclaimsAt = 4, ago(time.Minute)
		}, []int{10, 13, 13}, true},
		{"a fall takes from the one that was", 27, func(_ *Policy, s *State, _ []Known, _ []Tally) {
			s.Seen.Pools[0].Reclaims, s.Seen.Pools[0].ReclaimsAt = 4, ago(time.Minute)
		}, []int{7, 10, 10}, false},
		{"but not below its minimum", 12, func(p *Policy, _ *State, _ []Known, _ []Tally) { p.Pools[0].Min = 8 }, []int{8, 2, 2}, false},
		{"nor is less asked for than the minima", 3, func(p *Policy, _ *State, _ []Known, _ []Tally) {
			p.Pools[0].Min, p.Pools[1].Min, p.Pools[2].Min = 4, 4, 4
		}, []int{4, 4, 4}, false},
		{"a pool whose launch has just failed shows with one task when it has room again", 30, func(_ *Policy, s *State, known []Known, _ []Tally) {
			short(&known[0])
			s.Pools[0].FailedAt, known[0].Newest = ago(time.Minute), ago(time.Hour)
		}, []int{6, 13, 12}, true},
		{"a newer task has shown it", 30, func(_ *Policy, s *State, known []Known, _ []Tally) {
			short(&known[0])
			s.Pools[0].FailedAt, known[0].Newest = ago(time.Minute), ago(time.Second)
		}, []int{10, 10, 10}, false},
		{"a pool that could not place tasks for half a minute is full", 30, func(_ *Policy, s *State, known []Known, _ []Tally) {
			short(&known[0])
			s.Pools[0].UnplacedSince = ago(time.Minute)
		}, []int{6, 13, 12}, true},
		{"a pool that is not read gives up its share", 30, func(_ *Policy, _ *State, known []Known, _ []Tally) { known[0].Sight = WrittenOff },
			[]int{1, 15, 15}, true},
		{"so does one that was given up", 30, func(_ *Policy, s *State, known []Known, _ []Tally) {
			s.Pools[0].B.Mode, known[0].Running = breaker.Open, 0
		}, []int{1, 15, 15}, true},
		{"where all are full what is missing is asked of them", 33, func(_ *Policy, _ *State, _ []Known, tallies []Tally) {
			for i := range 3 {
				tallies[i].NoRoomAt = ago(time.Minute)
			}
		}, []int{11, 11, 11}, true},
		{"no pool is asked for more than it may have", 40, func(p *Policy, _ *State, _ []Known, _ []Tally) { p.Pools[0].Max = 10; p.Pools[1].Max = 11 },
			[]int{10, 11, 19}, true},
		{"nor all of them", 40, func(p *Policy, _ *State, _ []Known, _ []Tally) {
			p.Pools[0].Max, p.Pools[1].Max, p.Pools[2].Max = 11, 11, 11
		}, []int{11, 11, 11}, true},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s, known, tallies := stagePolicy(), stageState(), make([]Known, 3), make([]Tally, 3)
			p.Pools = []Pool{{Name: "a", Capacity: Spot}, {Name: "b", Capacity: Spot}, {Name: "c", Capacity: Spot}}
			s.Pools, s.Seen.Pools = make([]PoolState, 3), make([]PoolSeen, 3)
			for i := range known {
				known[i] = Known{Desired: 10, InForce: Exactly(10), Running: 10}
			}
			c.edit(&p, &s, known, tallies)
			in := cascadeInput{p: &p, s: &s, goal: &Goal{Demand: 30}, known: known, tally: tallies, now: stageNow}
			shared := tier{in: &in, raises: make([]int, 3), full: make([]bool, 3)}
			if got := shared.shareOut(c.need); got != c.shared || !slices.Equal(shared.raises, c.want) {
				t.Errorf("the pools are asked for %v (shared out: %v), want %v (%v)", shared.raises, got, c.want, c.shared)
			}
		})
	}
}
