package failover

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// regions is a workload of 100 tasks on Spot in one region, with Spot and on-demand there and in another one.
func regions(t *testing.T, change ...func(*Policy)) *lab {
	return newLab(t, PresetFill, 100, append([]func(*Policy){func(p *Policy) {
		p.Pools = []Pool{
			{Name: "spot", Capacity: Spot, Tier: 0}, {Name: "spot-b", Capacity: Spot, Tier: 1},
			{Name: "standard", Capacity: OnDemand, Tier: 2}, {Name: "standard-b", Capacity: OnDemand, Tier: 3},
		}
	}}, change...)...)
}

// unread makes pools unreadable; ErrNone: readable again.
func (l *lab) unread(kind ErrorKind, pools ...string) {
	for _, name := range pools {
		l.pool(name).err = kind
	}
}

// TestLossesThatEventsTellOfAreCoveredThoughTheirPoolCannotBeRead: the warning comes by event, not by ECS's API.
func TestLossesThatEventsTellOfAreCoveredThoughTheirPoolCannotBeRead(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.unread(ErrThrottled, "spot")
	l.pass()
	l.want(ReasonBlind, 100, 0)
	l.interrupt("spot", 20)
	l.signals = append(l.signals, l.signals...) // each comes twice
	again := l.signals[:5]
	l.pass()
	l.want(ReasonInterruption, 100, 30)
	l.finds(ReasonBlind)
	if d := l.last; !d.Blind() || !d.Pools[0].Unread || d.Pools[0].Running != 80 || d.Shortfall != 20 || d.Demand != 100 {
		t.Errorf("the decision is %+v", d)
	}
	l.start("standard", 30, 0)
	l.advance(time.Minute)
	l.signals = slices.Clone(again)
	l.ready("standard")
	l.pass()
	l.want(ReasonBlind, 100, 30) // what is left there is not certain: the surplus stays
	l.unread(ErrNone, "spot")
	l.pool("spot").leaving = 0
	l.pass()
	l.want(ReasonSurplus, 100, 20)
	if l.last.Blind() {
		t.Error("still blind")
	}
}

// TestAStandbyThatCannotBeReadHoldsNothingUp: the pools at work can be read, and so can their cover.
func TestAStandbyThatCannotBeReadHoldsNothingUp(t *testing.T) {
	l := regions(t)
	l.advance(time.Minute)
	l.unread(ErrDenied, "spot-b", "standard-b")
	l.interrupt("spot", 20)
	l.pass()
	l.want(ReasonInterruption, 100, 0, 30, 0)
	l.start("standard", 30, 0)
	l.start("spot", 20, 0)
	l.advance(2 * time.Minute)
	l.ready("standard")
	l.ready("spot")
	l.pool("spot").leaving = 0
	l.pass()
	l.want(ReasonSpotReturned, 100, 0, 0, 0) // whatever the standby holds, these hold the demand
	if !l.last.Blind() {
		t.Error("not blind")
	}
}

// TestWhoChangesTheDemandMeanwhileIsHeardWhenAllIsReadAgain: and gets no cover for what ECS stops for them.
func TestWhoChangesTheDemandMeanwhileIsHeardWhenAllIsReadAgain(t *testing.T) {
	for _, count := range []int{40, 160} {
		l := regions(t)
		l.advance(time.Minute)
		l.unread(ErrTimeout, "standard-b")
		l.pool("spot").desired = count
		l.cut("spot")
		l.start("spot", max(0, count-100), 0)
		for range 4 {
			l.pass()
			l.want(ReasonBlind, count, 0, 0, 0)
			l.advance(30 * time.Second)
		}
		if l.s.Demand != 100 {
			t.Errorf("the demand became %d", l.s.Demand)
		}
		l.unread(ErrNone, "standard-b")
		l.pass()
		l.finds(ReasonDemandChanged)
		if l.s.Demand != count || l.pool("spot").desired != count {
			t.Errorf("demand %d, asked for %d, want %d", l.s.Demand, l.pool("spot").desired, count)
		}
	}
}

func TestWhereNothingIsKnownNothingIsChanged(t *testing.T) {
	for name, change := range map[string]func(l *lab){
		"no pool can be read":          func(l *lab) { l.unread(ErrTimeout, "spot", "spot-b", "standard", "standard-b") },
		"never looked at the workload": func(l *lab) { l.unread(ErrTimeout, "spot"); l.s.DemandSet = false },
		"never looked at the pool":     func(l *lab) { l.unread(ErrTimeout, "spot"); l.s.Pools[0].Present = nil },
		"paused": func(l *lab) {
			l.unread(ErrTimeout, "spot")
			l.s.Pause = &Pause{By: "ana", Since: l.now}
		},
		"observed":                 func(l *lab) { l.unread(ErrTimeout, "spot"); l.p.Observe = true },
		"the budget is used up":    func(l *lab) { l.unread(ErrTimeout, "spot"); l.p.OnDemandBudgetUSDMonthly, l.s.Spend.USD = 1, 1 },
		"pinned to Spot":           func(l *lab) { l.unread(ErrTimeout, "spot"); l.s.Pin = &Pin{Mode: ModeSpot, Since: l.now} },
		"waiting to fill":          func(l *lab) { l.unread(ErrTimeout, "spot"); l.p.FillAfter = time.Hour },
		"on-demand cannot be read": func(l *lab) { l.unread(ErrTimeout, "spot-b", "standard", "standard-b") },
	} {
		t.Run(name, func(t *testing.T) {
			l := regions(t)
			l.advance(time.Minute)
			change(l)
			l.interrupt("spot", 20)
			for range 3 {
				l.pass()
				l.want(ReasonBlind, 100, 0, 0, 0)
				l.advance(20 * time.Second)
			}
		})
	}
}

// TestWhatAnUnreadPoolWasAskedForCountsAsOnItsWay: else a second on-demand pool would start the same tasks again.
func TestWhatAnUnreadPoolWasAskedForCountsAsOnItsWay(t *testing.T) {
	l := regions(t)
	l.advance(time.Minute)
	l.interrupt("spot", 20)
	l.pass()
	l.want(ReasonInterruption, 100, 20, 30, 0)
	l.advance(10 * time.Second)
	l.pool("spot").leaving = 0
	l.unread(ErrThrottled, "standard")
	l.pass()
	l.want(ReasonBlind, 100, 20, 30, 0)
	l.interrupt("spot", 20)
	l.pass()
	l.want(ReasonInterruption, 100, 20, 30, 15) // 10 more than are on their way, and half as many again
}

// TestAPoolThatDoesNotAnswerIsWrittenOffWhenThePolicySaysSo: the other region takes the whole workload over, is guarded
// as usual meanwhile, and gives it back.
func TestAPoolThatDoesNotAnswerIsWrittenOffWhenThePolicySaysSo(t *testing.T) {
	l := regions(t, func(p *Policy) { p.WriteOffAfter = 5 * time.Minute })
	l.advance(time.Minute)
	l.unread(ErrTimeout, "spot", "standard")
	l.pass()
	l.want(ReasonBlind, 100, 0, 0, 0)
	if !strings.Contains(conditions(l.last), "AWS still gives no answer about spot: count its tasks as lost") {
		t.Errorf("next:\n%s", conditions(l.last))
	}
	l.advance(5*time.Minute - time.Second)
	l.pass()
	l.want(ReasonBlind, 100, 0, 0, 0)
	if want := l.now.Add(time.Second); !l.last.LookAgain.Equal(want) {
		t.Errorf("it looks again at %s, want %s", l.last.LookAgain, want)
	}
	l.advance(time.Second)
	l.pass()
	l.want(ReasonWrittenOff, 100, 100, 0, 150)
	if sight := []string{l.last.Pools[0].Sight(), l.last.Pools[1].Sight()}; !slices.Equal(sight, []string{"counted as lost", ""}) {
		t.Errorf("the pools are %q", sight)
	}
	if slices.ContainsFunc(l.last.Notices, func(n Notice) bool { return n.Reason == ReasonBlind }) {
		t.Errorf("notices %v", l.last.Notices)
	}
	l.finds(ReasonWrittenOff)
	if d := l.last; d.Blind() || d.Running != 0 || d.Shortfall != 100 || !d.Pools[0].Lost || d.Pools[1].Lost {
		t.Errorf("the decision is %+v", d)
	}
	if k := slices.IndexFunc(l.last.Notices, func(n Notice) bool { return strings.HasSuffix(n.Key, "written_off/spot") }); k < 0 || l.last.Notices[k].Severity != Critical {
		t.Errorf("notices %v", l.last.Notices)
	}
	l.start("spot-b", 100, 0)
	l.start("standard-b", 150, 0)
	l.advance(time.Minute)
	l.ready("standard-b")
	l.pass()
	l.want(ReasonSurplus, 100, 100, 0, 100)
	l.cut("standard-b")
	l.advance(time.Minute)
	l.ready("spot-b")
	l.pass()
	l.want(ReasonSpotReturned, 100, 100, 0, 0) // guarded as if the lost pools were not there
	l.cut("standard-b")
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonWrittenOff, 100, 100, 0, 0)
	if l.s.Demand != 100 {
		t.Errorf("the demand became %d", l.s.Demand)
	}
	l.interrupt("spot-b", 10)
	l.pass()
	l.want(ReasonWrittenOff, 100, 100, 0, 15)
	l.start("standard-b", 15, 0)
	l.advance(time.Minute)
	l.ready("standard-b")
	l.pool("spot-b").leaving = 0
	l.unread(ErrNone, "spot", "standard") // everything ran on there
	for range 5 {
		l.pass()
		for _, name := range []string{"spot-b", "standard-b"} {
			l.cut(name)
		}
		l.advance(time.Minute)
	}
	l.want(ReasonSteady, 100, 0, 0, 0)
	if !l.s.Pools[0].UnreachedSince.IsZero() || l.s.Demand != 100 {
		t.Errorf("the state is %+v", l.s)
	}
}

// TestWhoeverAnswersIsNotWrittenOff: a refusal is an answer, and what runs there runs on.
func TestWhoeverAnswersIsNotWrittenOff(t *testing.T) {
	for _, test := range []struct {
		kind     ErrorKind
		answered bool
		after    time.Duration
		off      bool
	}{
		{ErrTimeout, false, 5 * time.Minute, true},
		{ErrUnknown, false, 5 * time.Minute, true},
		{ErrUnknown, true, 5 * time.Minute, false}, // its counts were read, its tasks were not
		{ErrThrottled, false, 5 * time.Minute, false},
		{ErrDenied, false, 5 * time.Minute, false},
		{ErrNotFound, false, 5 * time.Minute, false},
		{ErrTimeout, false, 0, false},
	} {
		l := regions(t, func(p *Policy) { p.WriteOffAfter = test.after })
		l.unread(test.kind, "spot")
		for range 30 {
			l.advance(time.Minute)
			o := l.observe()
			o.Pools[0].Answered = test.answered
			l.s, l.last = Decide(l.p, l.s, o)
		}
		if off := l.last.Pools[0].Lost; off != test.off {
			t.Errorf("%s, answered %v, write_off_after %s: written off %v", test.kind, test.answered, test.after, off)
		}
	}
}

// TestWithAllOnDemandLostSpotIsAskedForEverything: also of a pool that is not trusted.
func TestWithAllOnDemandLostSpotIsAskedForEverything(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.WriteOffAfter, p.Probe = 5*time.Minute, 10 })
	var err error
	if l.s, err = Apply(l.p, l.s, Intent{Kind: IntentFailover, By: "ana", At: l.now}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.pass()
		l.start("standard", l.pool("standard").desired, 0)
		l.ready("standard")
		l.cut("standard")
		l.cut("spot")
		l.advance(time.Minute)
	}
	l.want(ReasonFailedOver, 10, 100)
	l.unread(ErrTimeout, "standard")
	l.pass()
	l.advance(6 * time.Minute)
	l.pass()
	l.want(ReasonProving, 100, 100)
	l.finds(ReasonWrittenOff)
}

// conditions prints what would change a decision.
func conditions(d Decision) string {
	var b strings.Builder
	for _, c := range d.Next {
		b.WriteString(c.If + ": " + c.Then + "\n")
	}
	return b.String()
}
