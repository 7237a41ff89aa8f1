package failover

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEveryReasonHasWords holds the closed set together: every reason is documented once, and a finding with it
// says more than its name.
func TestEveryReasonHasWords(t *testing.T) {
	seen := map[Reason]bool{}
	for _, doc := range Reasons() {
		if seen[doc.Reason] || doc.Text == "" || !strings.HasSuffix(doc.Text, ".") {
			t.Errorf("%s: documented twice or badly: %q", doc.Reason, doc.Text)
		}
		seen[doc.Reason] = true
	}
	for _, r := range []Reason{ReasonBlind, ReasonPaused, ReasonObserving, ReasonPinned, ReasonFailedOver, ReasonDemandChanged,
		ReasonTripCapacity, ReasonTripInterruptions, ReasonTripStuck, ReasonTripChurn, ReasonRampFailed, ReasonRamping, ReasonRestored,
		ReasonProving, ReasonHoldOff, ReasonFailoverLimit, ReasonApplicationFailing, ReasonConfigurationError, ReasonQuota,
		ReasonOnDemandShort, ReasonOnDemandMax, ReasonBudget, ReasonWaitingToFill, ReasonDeploying, ReasonDrift, ReasonDriftSynced,
		ReasonStuck, ReasonStuckStopped, ReasonTierShared, ReasonNudge, ReasonScalingParked, ReasonScalingRestored,
		ReasonDeploymentFailed, ReasonClock} {
		f := Finding{Reason: r, Pool: "spot", Count: 3, Limit: 7, Until: epoch, Detail: "x"}
		if text := f.Text(); text == string(r) || !seen[r] {
			t.Errorf("%s says only %q (documented %v)", r, text, seen[r])
		}
		var back map[string]any
		raw, err := json.Marshal(f)
		if err != nil || json.Unmarshal(raw, &back) != nil || back["text"] != f.Text() || back["reason"] != string(r) {
			t.Errorf("%s: %s, %v", r, raw, err)
		}
	}
	if got := (Finding{Reason: ReasonBlind, Detail: "denied"}).Text(); got != "the workload could not be read (denied)" {
		t.Errorf("%q", got)
	}
}

// TestEveryNoticeTellsWhatToDo checks the troubles that a person must act on.
func TestEveryNoticeTellsWhatToDo(t *testing.T) {
	p, _ := Preset(PresetFill)
	before, after := State{Workload: "w", Mode: ModeSpot}, State{Workload: "w", Mode: ModeOnDemand, ModeSince: epoch}
	d := Decision{At: epoch, Reason: ReasonTripStuck}
	for _, r := range []Reason{ReasonBlind, ReasonOnDemandShort, ReasonOnDemandMax, ReasonBudget, ReasonApplicationFailing,
		ReasonConfigurationError, ReasonQuota, ReasonFailoverLimit, ReasonDrift, ReasonDeploymentFailed, ReasonPaused} {
		d.Findings = append(d.Findings, Finding{Reason: r, Pool: "spot", Count: 1})
	}
	d.Findings = append(d.Findings, Finding{Reason: ReasonRestored, Pool: "spot"}, Finding{Reason: ReasonTripChurn, Pool: "spot"})
	after.BlindSince = epoch
	keys := map[string]bool{}
	for _, n := range Notices(&p, &before, &after, &d) {
		if keys[n.Key] || !strings.HasPrefix(n.Key, "w/") {
			t.Errorf("key %q is not one notice's own", n.Key)
		}
		keys[n.Key] = true
		told := n.Do != ""
		if wants := n.Reason != ReasonRestored && n.Reason != ReasonTripChurn && n.Reason != ReasonTripStuck; told != wants {
			t.Errorf("%s: what to do: %q", n.Reason, n.Do)
		}
	}
	if len(keys) != 14 {
		t.Errorf("%d notices: %v", len(keys), keys)
	}
}

// TestExplainNamesTheNextConditionInEveryState goes through the states and looks for the words an operator needs.
func TestExplainNamesTheNextConditionInEveryState(t *testing.T) {
	says := func(t *testing.T, l *lab, words ...string) {
		t.Helper()
		var all []string
		for _, c := range l.last.Next {
			all = append(all, c.If+" -> "+c.Then)
		}
		text := strings.Join(all, "\n")
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("nothing says %q:\n%s", w, text)
			}
		}
		if !slices.IsSortedFunc(l.last.Next, func(a, b Condition) int {
			if a.At.IsZero() || b.At.IsZero() {
				return 0
			}
			return a.At.Compare(b.At)
		}) {
			t.Errorf("not the nearest first: %+v", l.last.Next)
		}
	}
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.Settle = time.Minute; p.OnDemandMax = 20 })
	says(t, l, "a Spot task is interrupted", "had run for less than", "ask it for no more than what runs there")
	l.interrupt("spot", 30)
	l.pass()
	says(t, l, "more tasks run", "on_demand_max is raised")
	l.pool("spot").leaving = 0
	l.run("spot", 30, 0)
	l.pass()
	says(t, l, "has run for 1m", "give tasks of standard back")
	l.pool("spot").err = ErrDenied
	l.pass()
	says(t, l, "every pool can be read again")

	l = evacuated(t)
	says(t, l, "surviving tasks (10)", "ask it for 25 %")
	l.pool("spot").tasks = nil
	l.advance(time.Second)
	l.run("spot", 10, 0)
	l.advance(time.Hour)
	l.pass()
	says(t, l, "has not failed", "50 %", "open its breaker again")
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now, By: "ana"})
	l.pass()
	says(t, l, "backstop restore", "come back")
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentPin, Mode: ModeOnDemand, At: l.now})
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentPause, At: l.now})
	l.pass()
	says(t, l, "backstop unpin", "backstop resume")
	steady := newLab(t, PresetSwitch, 100)
	says(t, steady, "3 capacity failures within 5m (now 0)", "5 interruptions", "fail over to on-demand as a whole")
}

// TestCheckFindsPlantedFaults shows that the invariants have teeth: each planted fault is named by its rule.
func TestCheckFindsPlantedFaults(t *testing.T) {
	base := func() (Policy, State, Observation, State, Decision) {
		l := newLab(t, PresetFill, 100)
		l.advance(time.Minute)
		l.interrupt("spot", 10)
		o := l.observe()
		after, d := Decide(l.p, l.s, o)
		return l.p, l.s, o, after, d
	}
	for rule, plant := range map[string]func(p *Policy, s *State, o *Observation, after *State, d *Decision){
		"reason_is_known": func(_ *Policy, _ *State, _ *Observation, _ *State, d *Decision) { d.Reason = "mood" },
		"action_names_a_pool": func(_ *Policy, _ *State, _ *Observation, _ *State, d *Decision) {
			d.Actions = []Action{StopTask{Pool: "x"}}
		},
		"one_count_per_pool": func(_ *Policy, _ *State, _ *Observation, _ *State, d *Decision) {
			d.Actions = append(d.Actions, d.Actions[0])
		},
		"observe_changes_nothing": func(p *Policy, _ *State, _ *Observation, _ *State, _ *Decision) { p.Observe = true },
		"pause_changes_nothing":   func(_ *Policy, _ *State, _ *Observation, a *State, _ *Decision) { a.Pause = &Pause{} },
		"unread_is_untouched":     func(_ *Policy, _ *State, o *Observation, _ *State, _ *Decision) { o.Pools[1].Err = ErrDenied },
		"blind_keeps_what_is_there": func(_ *Policy, _ *State, o *Observation, _ *State, d *Decision) {
			o.Pools[1].Err = ErrDenied
			d.Actions = []Action{SetDesiredCount{Pool: "spot", Count: 90, From: 100}}
		},
		"blind_lowers_only_the_spare": func(_ *Policy, _ *State, o *Observation, _ *State, d *Decision) {
			o.Pools[0].Err, d.Pools[1].Running = ErrDenied, 99
			d.Actions = []Action{SetDesiredCount{Pool: "standard", Count: 98, From: 100}}
		},
		"blind_covers_only_losses": func(_ *Policy, _ *State, o *Observation, _ *State, d *Decision) {
			o.Pools[0].Err, d.Shortfall = ErrDenied, 0
		},
		"blind_says_so": func(_ *Policy, _ *State, o *Observation, _ *State, _ *Decision) { o.Pools[0].Err = ErrDenied },
		"window_is_bounded": func(_ *Policy, _ *State, _ *Observation, a *State, _ *Decision) {
			a.Window = make([]Evidence, EvidenceMax+1)
		},
		"evidence_counts_once": func(_ *Policy, _ *State, _ *Observation, a *State, _ *Decision) {
			a.Window = append(a.Window, a.Window[0])
		},
		"generation_is_the_callers": func(_ *Policy, _ *State, _ *Observation, a *State, _ *Decision) { a.Generation++ },
		"state_is_bounded": func(_ *Policy, _ *State, _ *Observation, a *State, _ *Decision) {
			a.Failovers = make([]time.Time, failoversMax+1)
		},
		"count_in_range": func(_ *Policy, _ *State, _ *Observation, _ *State, d *Decision) {
			d.Actions = []Action{SetDesiredCount{Pool: "standard", Count: -1}}
		},
		"on_demand_max_holds": func(p *Policy, _ *State, _ *Observation, _ *State, _ *Decision) { p.OnDemandMax = 3 },
		"asked_covers_demand": func(_ *Policy, _ *State, _ *Observation, _ *State, d *Decision) {
			d.Actions = []Action{SetDesiredCount{Pool: "spot", Count: 50, From: 100}}
		},
		"nothing_lowered_before_its_cover": func(_ *Policy, _ *State, _ *Observation, _ *State, d *Decision) {
			d.Actions = append(d.Actions, SetDesiredCount{Pool: "spot", Count: 10, From: 100})
		},
		"probe_stays": func(p *Policy, _ *State, o *Observation, a *State, d *Decision) {
			a.Pools = slices.Clone(a.Pools)
			a.Pools[0].B.Mode = HalfOpen
			d.Actions = append(d.Actions, SetDesiredCount{Pool: "spot", Count: 0, From: 100})
		},
		"trips_have_evidence": func(_ *Policy, _ *State, _ *Observation, a *State, d *Decision) {
			a.Pools = slices.Clone(a.Pools)
			a.Pools[0].B.Mode = Open
			d.Pools[0].Interruptions, d.Pools[0].Running = 0, d.Pools[0].Desired
		},
		"no_failover_on_application_failure": func(_ *Policy, _ *State, _ *Observation, a *State, _ *Decision) {
			a.Pools = slices.Clone(a.Pools)
			a.Pools[0].B.Mode, a.Pools[0].Failing = Open, &Failing{}
		},
		"interrupted_is_not_running": func(_ *Policy, _ *State, _ *Observation, _ *State, d *Decision) { d.Pools[0].Running = 100 },
	} {
		t.Run(rule, func(t *testing.T) {
			p, s, o, after, d := base()
			if v := Check(p, s, o, after, d); len(v) != 0 {
				t.Fatalf("before planting: %v", v)
			}
			plant(&p, &s, &o, &after, &d)
			got := Check(p, s, o, after, d)
			if !slices.ContainsFunc(got, func(v Violation) bool { return v.Rule == rule && strings.HasPrefix(v.String(), rule+": ") }) {
				t.Errorf("not found; got %v", got)
			}
		})
	}
}

func TestWindowIsBoundedAndKeepsTheNewest(t *testing.T) {
	l := newLab(t, PresetFill, 5000)
	l.advance(time.Minute)
	l.interrupt("spot", 3000)
	last := l.signals[2999]
	l.pass()
	if n := len(l.s.Window); n != EvidenceMax {
		t.Errorf("%d entries", n)
	}
	if got := l.s.Window[EvidenceMax-1].ID; !strings.HasSuffix(last.Task, got) {
		t.Errorf("the newest is %s, want %s", got, last.Task)
	}
	if got := l.pool("standard").desired; got != 4500 {
		t.Errorf("cover %d", got)
	}
	// Late and future events: the one does not count, the other counts from now.
	l.advance(time.Hour)
	l.signals = []Signal{
		{ID: "late", Kind: SignalPlacementFailure, Pool: "spot", At: l.now.Add(-time.Hour)},
		{ID: "skewed", Kind: SignalPlacementFailure, Pool: "spot", At: l.now.Add(time.Hour)},
		{ID: "elsewhere", Kind: SignalPlacementFailure, Pool: "nowhere", At: l.now},
		{ID: "hint", Kind: SignalProgress, Pool: "spot", At: l.now},
	}
	l.pool("spot").leaving = 0
	l.pass()
	if n := len(l.s.Window); n != 1 || l.s.Window[0].ID != "skewed" || l.s.Window[0].At.After(l.now) {
		t.Errorf("window %+v", l.s.Window)
	}
}

func TestSameStateIgnoresOnlyTheLook(t *testing.T) {
	a := State{Workload: "w", At: epoch, Spend: Spend{Month: "2026-03"}}
	b := a
	b.At, b.Spend.USD = epoch.Add(time.Minute), 0.1
	if !SameState(a, b) {
		t.Error("a minute's drift is worth a write")
	}
	b.Spend.Month = "2026-04"
	if SameState(a, b) {
		t.Error("a new month is not worth a write")
	}
	b = a
	b.Pools = []PoolState{{Name: "spot", Asked: &Asked{Count: 3}}}
	c := b
	c.Pools = []PoolState{{Name: "spot", Asked: &Asked{Count: 4}}}
	if SameState(a, b) || SameState(b, c) {
		t.Error("a change behind a pointer is not seen")
	}
}

func TestStateRoundTripsThroughJSON(t *testing.T) {
	l := evacuated(t)
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentPin, Mode: ModeOnDemand, At: l.now, Until: l.now.Add(time.Hour), By: "ana", Note: "n"})
	raw, err := json.Marshal(l.s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if !SameState(l.s, back) {
		t.Errorf("%s", raw)
	}
}
