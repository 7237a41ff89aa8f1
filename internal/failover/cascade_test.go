package failover

import (
	"testing"
	"time"
)

func TestCascade(t *testing.T) {
	type want struct {
		need, surplus, raise int
		bounded, impaired    bool
	}
	hung := func(late, serving int) Known {
		return Known{InService: Exactly(serving), Running: serving, Late: late, Live: late + serving, InForce: Exactly(late + serving), Desired: late + serving, StartLimit: 3 * time.Minute}
	}
	for _, c := range []struct {
		situation string
		serving   int // on Spot, of 20 wanted
		edit      func(*cascadeInput)
		pools     []Known // on demand
		want      []want
	}{
		{"Spot serves all", 20, nil, []Known{{}}, []want{{}}},
		{"one is missing: it needs no surplus", 19, nil, []Known{{}}, []want{{need: 1, raise: 1}}},
		{"of five, two more are started", 15, nil, []Known{{}}, []want{{need: 5, surplus: 2, raise: 7}}},
		{"of twenty, a third more", 0, nil, []Known{{}}, []want{{need: 20, surplus: 7, raise: 27}}},
		{"what is in service needs no surplus", 0, nil, []Known{releasePool(20, 7)}, []want{{need: 20, raise: 20}}},
		{"a further loss has a surplus of its own", 0, nil, []Known{releasePool(10, 0)}, []want{{need: 20, surplus: 4, raise: 24}}},
		{"cover that dies is replaced: it is never taken off what is needed", 0, nil, []Known{releasePool(15, 0)}, []want{{need: 20, surplus: 2, raise: 22}}},
		{"starts that are known to fit into the warning need none", 0, func(in *cascadeInput) {
			in.s.Seen.Pools[0].WarnedSeconds = 118
			in.s.Seen.Pools[1].Serve = Spread{}.with(ago(time.Hour), samples(40, time.Minute)...)
		}, []Known{{}}, []want{{need: 20, raise: 20}}},
		{"a late task is replaced", 15, nil, []Known{hung(1, 4)}, []want{{need: 5, raise: 6}}},
		{"at most twice what is needed", 0, nil, []Known{hung(27, 0)}, []want{{need: 20, surplus: 7, raise: 40, bounded: true}}},
		{"of one that hangs, one more", 19, nil, []Known{hung(1, 0)}, []want{{need: 1, raise: 2, bounded: true}}},
		{"a pool whose tasks are late keeps what serves and a probe, the next covers", 0, nil, []Known{hung(15, 5), {}}, []want{{need: 20, surplus: 6, raise: 6, impaired: true}, {need: 15, surplus: 6, raise: 21}}},
		{"a pool that serves behind another is not replaced by it", 0, nil, []Known{{}, releasePool(12, 0)}, []want{{need: 8, surplus: 3, raise: 11}, {need: 12, raise: 12}}},
		{"a standby that no listener reaches gets a probe", 0, nil, []Known{{OutOfTraffic: true, Running: 20, Live: 20, InForce: Exactly(20)}}, []want{{need: 20, surplus: 7, raise: 1, impaired: true}}},
		{"cover that fails for the application's reasons keeps trying with one", 0, func(in *cascadeInput) { in.fails[1] = &Failing{Since: ago(time.Minute)} }, []Known{{}},
			[]want{{need: 20, surplus: 7, raise: 1, impaired: true}}},
		{"a standby that could not be placed is passed over once ECS has had its time", 0, func(in *cascadeInput) { in.s.Pools[1].UnplacedSince = ago(time.Minute) },
			[]Known{{InForce: Exactly(27), Desired: 27, Unplaced: 27, StartLimit: 3 * time.Minute}, {}}, []want{{need: 20, surplus: 7, raise: 1, impaired: true}, {need: 20, surplus: 7, raise: 27}}},
		{"one whose calls are refused, too", 0, func(in *cascadeInput) { in.s.Pools[1].RefusedSince = ago(10 * time.Second) }, []Known{{}, {}},
			[]want{{need: 20, surplus: 7, raise: 1, impaired: true}, {need: 20, surplus: 7, raise: 27}}},
		{"of two that cannot be read the first is asked for all, and only the first", 0, func(in *cascadeInput) { in.s.Pools[1].Asked = &Asked{Count: 0, Done: true} },
			[]Known{{Sight: Told}, {Sight: Told}}, []want{{need: 20, surplus: 7, raise: 27}, {}}},
		{"and one behind it that can be read instead of it", 0, func(in *cascadeInput) { in.s.Pools[1].Asked = &Asked{Count: 0, Done: true} },
			[]Known{{Sight: Told}, {}}, []want{{need: 20, surplus: 7, impaired: true}, {need: 20, surplus: 7, raise: 27}}},
		{"what starts behind a pool that can be asked again uses the bound up", 17, nil, []Known{{}, {Provisioning: 5, Live: 5, InForce: Exactly(5), Desired: 5, StartLimit: 3 * time.Minute}},
			[]want{{need: 3, surplus: 2, raise: 2}, {need: 1, raise: 1}}},
		{"as does what a pool out of sight was asked for", 17, func(in *cascadeInput) { in.s.Pools[2].Asked = &Asked{Count: 5, Done: true} },
			[]Known{{}, {Sight: Told, InForce: Exactly(5)}}, []want{{need: 3, surplus: 2, raise: 2}, {need: 1, raise: 1}}},
		{"but not a call that was not answered", 17, func(in *cascadeInput) { in.s.Pools[2].Asked = &Asked{Count: 5} },
			[]Known{{}, {Sight: Told, InForce: Exactly(5)}}, []want{{need: 3, surplus: 2, raise: 5}, {}}},
		{"a maximum", 0, func(in *cascadeInput) { in.p.Pools[1].Max = 8 }, []Known{{}}, []want{{need: 8, surplus: 3, raise: 8}}},
		{"two tasks that are kept warm", 20, func(in *cascadeInput) { in.warm[1] = 2 }, []Known{{}}, []want{{raise: 2}}},
		{"pinned to Spot there is none", 0, func(in *cascadeInput) { in.pinned = ModeSpot }, []Known{{}}, []want{{}}},
		{"only so much of a rise is covered", 20, func(in *cascadeInput) { in.goal.Demand, in.goal.Wanted = 300, 40 }, []Known{{}}, []want{{need: 20, surplus: 7, raise: 27}}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s := stagePolicy(), stageState()
			known := append([]Known{releasePool(c.serving, 0)}, c.pools...)
			for i := 2; i < len(known); i++ {
				p.Pools = append(p.Pools, Pool{Name: "next", Capacity: OnDemand, Tier: i})
				s.Pools, s.Seen.Pools = append(s.Pools, PoolState{Name: "next"}), append(s.Seen.Pools, PoolSeen{Name: "next"})
			}
			n := len(known)
			in := cascadeInput{p: &p, s: &s, goal: &Goal{Demand: 20, Wanted: 20, Kept: 20, Set: true}, known: known, tally: make([]Tally, n), fails: make([]*Failing, n),
				limits: make([]int, n), now: stageNow, warm: make([]int, n), needIn: func(int, int) Need { return Need{Holds: c.serving} }}
			for i := range in.limits {
				in.limits[i] = -1
			}
			if c.edit != nil {
				c.edit(&in)
			}
			out := cascade(new(Room), in)
			for i, w := range c.want {
				tgt := out.targets[i+1]
				if got := (want{tgt.Need, tgt.Surplus, tgt.Raise, tgt.Bounded, tgt.Impaired}); got != w {
					t.Errorf("on-demand pool %d is to be %+v, want %+v", i+1, got, w)
				}
			}
		})
	}
}

func TestABreakersLimitIsWhatSpotIsAskedFor(t *testing.T) {
	p, s := stagePolicy(), stageState()
	in := cascadeInput{p: &p, s: &s, goal: &Goal{Demand: 20, Wanted: 20, Kept: 20, Set: true}, known: []Known{releasePool(20, 0), {}}, tally: make([]Tally, 2), fails: make([]*Failing, 2),
		limits: []int{1, -1}, now: stageNow, warm: make([]int, 2), needIn: func(_, asked int) Need { return Need{Holds: min(20, asked)} }}
	out := cascade(new(Room), in)
	equal(t, "what Spot is asked for", out.targets[0].Raise, 1)
	equal(t, "whether the breaker limits it", out.targets[0].Limited, true)
	equal(t, "what on-demand must hold", out.need, 19)
	equal(t, "the surplus of what is only moved", out.targets[1].Surplus, 0)
	in.pinned = ModeSpot
	if out = cascade(new(Room), in); out.targets[0].Limited {
		t.Error("pinned to Spot the breaker limits nothing")
	}
}
