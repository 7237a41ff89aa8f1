package failover

import (
	"testing"
	"time"
)

func TestPermit(t *testing.T) {
	type right struct {
		Raise, Lower, Stop, Drain bool
		Why                       Reason
	}
	all := right{true, true, true, true, ""}
	owner := right{Stop: true, Drain: true}
	for _, c := range []struct {
		situation string
		edit      func(*permitInput)
		spot      right
		standard  right
	}{
		{"all is read: cover may be changed, the owner's count may not", nil, owner, all},
		{"an order limits the owner: its count is ours until it is back", func(in *permitInput) { in.targets[0].Limited = true }, all, all},
		{"so does a count of ours that still stands there", func(in *permitInput) { in.s.Pools[0].Asked = &Asked{Count: 2} }, all, all},
		{"Spot is not read: cover is raised and lowered by what is certain", func(in *permitInput) { in.known[0].Sight = Told }, right{Why: ReasonBlind}, all},
		{"the standby is not read: it may be raised, and nothing else", func(in *permitInput) { in.known[1].Sight = Told; in.targets[0].Limited = true },
			right{Drain: true, Why: ReasonBlind}, right{Raise: true, Why: ReasonBlind}},
		{"and not when it was never seen", func(in *permitInput) { in.known[1].Sight, in.s.Seen.Pools[1].At = Told, zeroTime }, owner, right{Why: ReasonBlind}},
		{"nothing is known and nothing is read", func(in *permitInput) { in.s.DemandSet = false; in.known[0].Sight, in.known[1].Sight = Told, Told },
			right{Why: ReasonBlind}, right{Why: ReasonBlind}},
		{"a pool that is written off is left alone", func(in *permitInput) { in.known[0].Sight = WrittenOff }, right{Why: ReasonWrittenOff}, all},
		{"so is one that is gone", func(in *permitInput) { in.known[0].Sight = Gone }, right{Why: ReasonWrittenOff}, all},
		{"readiness is not read: nothing that runs is lowered anywhere", func(in *permitInput) {
			in.known[0].HealthUnread, in.known[1] = true, releasePool(20, 0)
		}, owner, right{true, false, true, true, ReasonHealthUnread}},
		{"but what does not run is", func(in *permitInput) { in.known[0].HealthUnread = true }, owner, all},
		{"pinned to Spot cover goes whatever is missing", func(in *permitInput) { in.pinned = ModeSpot }, owner, right{true, true, true, true, ReasonPinned}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s := stagePolicy(), stageState()
			in := permitInput{p: &p, s: &s, known: []Known{releasePool(20, 0), releasePool(0, 0)}, targets: make([]Target, 2), now: stageNow}
			if c.edit != nil {
				c.edit(&in)
			}
			may := permit(new(Room), in)
			for i, want := range []right{c.spot, c.standard} {
				m := may[i]
				if got := (right{m.Raise, m.Lower, m.Stop, m.Drain, m.Why}); got != want {
					t.Errorf("of %s is permitted %+v, want %+v", p.Pools[i].Name, got, want)
				}
			}
		})
	}
}

func TestMoneyHoldsRaisesBack(t *testing.T) {
	for _, c := range []struct {
		situation    string
		edit         func(*Policy, *State)
		running, ask int
		most, low    int
		why          Reason
	}{
		{"no limit", nil, 5, 30, ServiceTasksMax, -1, ""},
		{"below the limit", func(p *Policy, _ *State) { p.OnDemandMax = 40 }, 5, 30, ServiceTasksMax, -1, ""},
		{"at the limit", func(p *Policy, _ *State) { p.OnDemandMax = 20 }, 5, 30, 20, -1, ReasonOnDemandMax},
		{"a limit below what runs adds nothing and stops nothing", func(p *Policy, _ *State) { p.OnDemandMax = 3 }, 5, 30, 5, -1, ReasonOnDemandMax},
		{"a budget that is used up adds nothing", func(p *Policy, s *State) { p.OnDemandBudgetUSDMonthly, s.Seen.SpendUSD = 10, 10 }, 5, 30, 5, -1, ReasonBudget},
		{"one that is not does", func(p *Policy, s *State) { p.OnDemandBudgetUSDMonthly, s.Seen.SpendUSD = 10, 9.99 }, 5, 30, ServiceTasksMax, -1, ""},
		{"release gives a quarter back", func(p *Policy, s *State) {
			p.OnDemandBudgetUSDMonthly, s.Seen.SpendUSD, p.OnBudget = 10, 10, ReleaseBudget
		}, 10, 10, ServiceTasksMax, 7, ReasonBudget},
		{"a minute after the last quarter", func(p *Policy, s *State) {
			p.OnDemandBudgetUSDMonthly, s.Seen.SpendUSD, p.OnBudget = 10, 10, ReleaseBudget
			s.Pools[1].ReleasedAt = ago(59 * time.Second)
		}, 10, 10, ServiceTasksMax, -1, ""},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s := stagePolicy(), stageState()
			if c.edit != nil {
				c.edit(&p, &s)
			}
			in := permitInput{p: &p, s: &s, known: []Known{releasePool(0, 0), releasePool(c.running, 0)}, targets: []Target{{}, {Raise: c.ask}}, now: stageNow}
			m := permit(new(Room), in)[1]
			equal(t, "the most", m.Most, c.most)
			equal(t, "the low end", m.LowEnd, c.low)
			equal(t, "the reason", m.Why, c.why)
		})
	}
}

func TestTheBudgetIsForecast(t *testing.T) {
	p, s := stagePolicy(), stageState()
	p.OnDemandBudgetUSDMonthly, s.Seen.SpendUSD = 100, 60
	known := []Known{{}, {Running: 16}} // 16 x 0.25 USD are 4 USD an hour: ten hours are left
	used, gone := budgetLeft(&p, &s, known, stageNow)
	equal(t, "the share that is used", used, 0.6)
	equal(t, "the hour at which it will be gone", gone, stageNow.Add(10*time.Hour))
	known[1].Running = 0
	if _, gone = budgetLeft(&p, &s, known, stageNow); !gone.IsZero() {
		t.Errorf("nothing runs, and the budget is said to be gone at %s", gone)
	}
	known[1].Running = 1
	s.Seen.SpendUSD = 0
	if _, gone = budgetLeft(&p, &s, known, time.Date(2026, 3, 25, 0, 0, 0, 0, time.UTC)); !gone.IsZero() {
		t.Errorf("it lasts for the month, and is said to be gone at %s", gone)
	}
}
