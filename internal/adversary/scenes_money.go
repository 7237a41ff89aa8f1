package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// moneyScenes are the cases of limits and budgets.
func moneyScenes() []Scene {
	return []Scene{
		{Case: "L22", Name: "a budget is used up, and holds", prepare: func(p *Plan) { p.Policy.OnDemandBudgetUSDMonthly = 10 }, play: func(s *stage) {
			s.spot(10)
			s.covered(coverSoon)
			s.wait(11 * time.Hour)
			s.told(time.Minute, failover.ReasonBudgetUsed)
			s.wait(12 * time.Hour)
			s.hush()
			before := s.cover()
			s.fresh()
			s.spot(5)
			s.wait(20 * time.Minute)
			s.atMost(before)
			s.told(time.Minute, failover.ReasonBudget)
			s.keeps(15)
			s.spot(-1)
			s.gone(30 * time.Minute)
		}},
		{Case: "L22b", Name: "a budget is used up, and releases", prepare: func(p *Plan) {
			p.Policy.OnDemandBudgetUSDMonthly, p.Policy.OnBudget = 5, failover.ReleaseBudget
		}, play: func(s *stage) {
			s.spot(10)
			s.covered(coverSoon)
			s.wait(15 * time.Hour)
			s.gone(time.Minute)
			s.spot(-1)
		}},
		{Case: "L22c", Name: "the budget is told before it is used up", prepare: func(p *Plan) { p.Policy.OnDemandBudgetUSDMonthly = 20 }, play: func(s *stage) {
			s.spot(10)
			s.wait(19 * time.Hour)
			s.untold(failover.ReasonBudgetUsed)
			s.told(3*time.Hour, failover.ReasonBudgetUsed)
			s.untold(failover.ReasonBudget)
			s.spot(-1)
		}},
		{Case: "M15", Name: "the budget's month turns over in a gap", prepare: func(p *Plan) { p.Policy.OnDemandBudgetUSDMonthly = 10 }, play: func(s *stage) {
			s.spot(10)
			for time.Now().UTC().Month() == s.began.UTC().Month() {
				s.skip(2 * time.Hour)
			}
			s.wait(time.Hour)
			s.spot(6)
			s.covered(time.Minute)
			s.spot(-1)
		}},
		{Case: "L23", Name: "on_demand_max is lowered below what runs", play: func(s *stage) {
			s.spot(8)
			s.whole(6 * time.Minute)
			s.hush()
			s.policy(func(p *failover.Policy) { p.OnDemandMax = 4 })
			s.told(5*time.Minute, failover.ReasonOnDemandMax)
			s.fresh()
			s.wait(10 * time.Minute)
			s.keeps(s.want)
			s.spot(-1)
		}},
		{Case: "L23b", Name: "on_demand_max is reached", prepare: func(p *Plan) { p.Policy.OnDemandMax = 7 }, play: func(s *stage) {
			s.fresh()
			s.spot(0)
			s.told(time.Minute, failover.ReasonOnDemandMax)
			s.wait(10 * time.Minute)
			s.atMost(7)
			if n := s.cover(); n != 7 {
				s.breach("losses_are_covered", "on-demand is asked for %d, 7 are allowed", n)
			}
			s.spot(-1)
		}},
		{Case: "M9", Name: "the on-demand quota is below the need", prepare: func(p *Plan) { p.spare() }, play: func(s *stage) {
			s.on(func(w *ecsim.World) { w.SetQuota(homeRegion, ecsim.Fargate, 2) }) // eight tasks
			s.spot(0)
			s.covered(coverSoon)
			s.whole(7 * time.Minute)
			s.spot(-1)
		}, back: 2 * time.Hour},
	}
}

// skip lets hours pass with few looks.
func (s *stage) skip(d time.Duration) {
	s.look()
	time.Sleep(d)
}
