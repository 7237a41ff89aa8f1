package health

import (
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// facts are those of a workload that wants ten tasks: so many in service on Spot and on on-demand, checked 20 s ago by a daemon.
func facts(spot, onDemand int, change func(*Facts)) Facts {
	d := &failover.Decision{At: noon, Workload: "api", Demand: 10, InService: failover.Exactly(spot + onDemand), Missing: failover.Exactly(max(0, 10-spot-onDemand)),
		Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, InService: failover.Exactly(spot)}, {Pool: "standard", Capacity: failover.OnDemand, InService: failover.Exactly(onDemand)}}}
	f := Facts{Workload: "api", Policy: &failover.Policy{StartLimit: 3 * time.Minute, Pools: []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}},
		State: &failover.State{}, Decision: d, Look: Look{Age: 20 * time.Second, Every: time.Minute}}
	if change != nil {
		change(&f)
	}
	return f
}

func found(r failover.Reason, count, limit int) func(*Facts) {
	return func(f *Facts) {
		f.Decision.Findings = append(f.Decision.Findings, failover.Finding{Reason: r, Pool: "standard", Count: count, Limit: limit, Detail: "FARGATE"})
	}
}

func both(changes ...func(*Facts)) func(*Facts) {
	return func(f *Facts) {
		for _, c := range changes {
			c(f)
		}
	}
}

func missingFor(d time.Duration) func(*Facts) {
	return func(f *Facts) { f.State.MissingSince = noon.Add(-d) }
}

func TestSeverityFollowsWhatIsMissingThenWhatThreatens(t *testing.T) {
	arriving := func(f *Facts) {
		f.Decision.Pools[1].Placed, f.Decision.Pools[1].ReadyBy = 3, noon.Add(70*time.Second)
	}
	leaving := func(f *Facts) {
		f.Decision.Missing = failover.Exactly(0)
		f.Decision.Pools[0].Leaving, f.Decision.Pools[0].Working, f.Decision.Pools[0].LeavingBy = 4, 4, noon.Add(100*time.Second)
	}
	for _, v := range []struct {
		name     string
		facts    Facts
		level    Level
		headline string
		command  string // of the first problem
	}{
		{"all on Spot", facts(10, 0, nil), Fine, "All 10 in service on Spot", ""},
		{"covered", facts(7, 3, nil), Covering, "3 on-demand tasks stand in for Spot, all 10 in service", ""},
		{"short just now", facts(7, 0, both(missingFor(40*time.Second), arriving)), Warning, "3 of 10 missing for 40s; 3 placed, due 12:01:10Z", ""},
		{"short for long", facts(7, 0, missingFor(11*time.Minute)), Critical, "3 of 10 missing for 11m", "backstop explain api"},
		{"nothing serves and nothing comes", facts(0, 0, nil), Critical, "10 of 10 missing", "backstop explain api"},
		{"a limit keeps cover away", facts(6, 0, both(missingFor(2*time.Second), found(failover.ReasonOnDemandMax, 4, 1))), Critical,
			"4 of 10 missing for 2s: 4 on-demand tasks more needed than on_demand_max (1) allows", "backstop config explain on_demand_max"},
		{"a quota before a shortage", facts(6, 0, both(missingFor(2*time.Second), found(failover.ReasonQuota, 3, 4), found(failover.ReasonOnDemandShort, 4, 4))), Critical,
			"4 of 10 missing for 2s: vCPU quota L-3032A538 is full, 4 more needed in standard",
			"aws service-quotas request-service-quota-increase --service-code fargate --quota-code L-3032A538 --desired-value VCPUS"},
		{"a quota that costs nothing now", facts(10, 0, found(failover.ReasonQuota, 3, 4)), Warning, "vCPU quota L-3032A538 is full, 4 more needed in standard",
			"aws service-quotas request-service-quota-increase --service-code fargate --quota-code L-3032A538 --desired-value VCPUS"},
		{"warned tasks work on and their replacements come", facts(6, 0, both(leaving, arriving, func(f *Facts) { f.Decision.Pools[1].Placed = 4 })), Fine,
			"All 10 serve; 4 leaving in 1m40s, 4 replacements due in 1m10s: no gap expected", ""},
		{"warned tasks work on and a limit keeps their cover away", facts(6, 0, both(leaving, found(failover.ReasonOnDemandMax, 4, 1))), Critical,
			"4 on-demand tasks more needed than on_demand_max (1) allows", "backstop config explain on_demand_max"},
		{"unreadable for a moment", facts(10, 0, both(func(f *Facts) {
			f.State.BlindSince = noon.Add(-time.Minute)
			f.Decision.Missing.High = 10
			f.Decision.Pools[0].Sight = failover.Told
		}, found(failover.ReasonBlind, 10, 0))), Warning, "Cannot read standard from ECS (FARGATE); its count is held, at most 10 tasks there", "backstop doctor api"},
		{"unreadable for long", facts(10, 0, both(func(f *Facts) { f.State.BlindSince = noon.Add(-time.Hour) }, found(failover.ReasonBlind, 0, 0))), Critical,
			"Cannot read standard from ECS (FARGATE); it was never read", "backstop doctor api"},
		{"AWS refuses the cover", facts(10, 0, func(f *Facts) {
			f.State.Pools = []failover.PoolState{{Name: "standard", RefusedSince: noon.Add(-time.Minute)}}
		}), Warning, "AWS has not taken a change of standard since 11:59:00Z", "backstop history api --kind outcome"},
		{"a frozen demand", facts(0, 10, found(failover.ReasonScalingParked, 5, 50)), Warning, "Auto scaling of standard (5 to 50 tasks) is suspended: the demand is frozen", "backstop restore api"},
		{"a frozen demand that the last look did not see", facts(0, 10, func(f *Facts) {
			f.State.Pools = []failover.PoolState{{Name: "spot", Parked: &failover.Scaling{Min: 5, Max: 50}}}
		}), Warning, "Auto scaling of spot (5 to 50 tasks) is suspended: the demand is frozen", "backstop restore api"},
		{"a trip is over with its pass", facts(10, 0, found(failover.ReasonTripCapacity, 4, 3)), Fine, "All 10 in service on Spot", ""},
		{"half of the budget", facts(10, 0, found(failover.ReasonBudgetUsed, 55, 10)), Fine, "All 10 in service on Spot", ""},
		{"most of the budget", facts(10, 0, found(failover.ReasonBudgetUsed, 83, 10)), Warning, "83 % of the month's on-demand budget ($10) is used", "backstop cost api"},
		{"paused, and nothing was to be done", facts(10, 0, func(f *Facts) { f.State.Pause = &failover.Pause{By: "ann"} }), Fine, "Paused by ann: nothing is changed", ""},
		{"pinned", facts(0, 10, func(f *Facts) { f.State.Pin = &failover.Pin{Mode: failover.ModeOnDemand} }), Covering, "Pinned to on-demand; all 10 in service on on-demand", ""},
		{"a silent guard", facts(10, 0, func(f *Facts) { f.Look.Age = 4 * time.Minute }), Critical, "Not checked for 4m", "backstop run"},
		{"a quiet guard", facts(10, 0, func(f *Facts) { f.Look.Age = 3 * time.Minute }), Fine, "All 10 in service on Spot", ""},
		{"a recording", facts(10, 0, func(f *Facts) { f.Look = Look{Age: time.Hour} }), Fine, "All 10 in service on Spot", ""},
		{"never looked at", facts(10, 0, func(f *Facts) { f.Decision = nil }), Critical, "Not checked yet", "backstop run"},
	} {
		got := Of(v.facts, noon)
		command := ""
		if len(got.Problems) > 0 {
			command = got.Problems[0].Command
		}
		if got.Level != v.level || got.Headline != v.headline || command != v.command {
			t.Errorf("%s: %s %q, command %q\nwant %s %q, command %q", v.name, got.Level, got.Headline, command, v.level, v.headline, v.command)
		}
		if (len(got.Problems) > 0) != got.Level.NeedsYou() {
			t.Errorf("%s: %s with %d problems", v.name, got.Level, len(got.Problems))
		}
	}
}

// TestNoticesAndVerdictsAgree: what is critical on a page is critical in a message.
func TestNoticesAndVerdictsAgree(t *testing.T) {
	for _, r := range failover.Reasons() {
		for _, missing := range []int{0, 3} {
			f := facts(10-missing, 0, both(found(r, 100, 7), missingFor(time.Second)))
			Tell(f.Policy, f.State, f.State, f.Decision)
			verdict := Of(f, noon)
			for _, n := range f.Decision.Notices {
				if Momentary(r) || n.Severity == failover.Info {
					continue
				}
				if got := severityOf(verdict.Level); missing == 0 && got != n.Severity {
					t.Errorf("%s with %d missing: the notice is %s, the verdict %s", r, missing, n.Severity, got)
				}
				if !strings.Contains(verdict.Problems[0].Text, n.Text) && missing == 0 {
					t.Errorf("%s: the notice says %q, the verdict %q", r, n.Text, verdict.Problems[0].Text)
				}
			}
		}
	}
}

func TestTheGuardIsJudged(t *testing.T) {
	beat := Beat{Guard: "host", At: noon, TickSeconds: 60, Workloads: []string{"api", "batch"}}
	at := func(age time.Duration, b Beat) []Watched {
		var out []Watched
		for _, name := range []string{"api", "batch"} {
			l, known := LookAt([]Beat{b}, name, noon.Add(age))
			out = append(out, Watched{Workload: name, Look: l, Known: known})
		}
		return out
	}
	late, unstored := beat, beat
	late.Late = map[string]time.Time{"batch": noon.Add(-10 * time.Minute)}
	unstored.Unstored = []string{"api"}
	refused, both := beat, unstored
	refused.Refusing = map[string]string{"Slack env:SLACK_URL": "it answers with status 404"}
	both.Refusing = refused.Refusing
	never := beat
	never.Late = map[string]time.Time{"api": {}, "batch": {}}
	for _, v := range []struct {
		name  string
		guard Guard
		level Level
		text  string
	}{
		{"a quiet guard", GuardOf(at(3*time.Minute, beat), []Beat{beat}), Fine, ""},
		{"a dead one", GuardOf(at(3*time.Minute+time.Second, beat), []Beat{beat}), Critical, "the guard is silent: nothing was checked for 3m1s, and nothing is covered meanwhile"},
		{"one that never passed", GuardOf(at(0, never), []Beat{never}), Critical, "no guard has run yet: nothing is covered"},
		{"one workload that hangs", GuardOf(at(0, late), []Beat{late}), Critical, "1 workload of 2 not checked: batch"},
		{"a store that fails", GuardOf(at(0, unstored), []Beat{unstored}), Critical, "the state of api cannot be read or written: nothing is acted on"},
		{"a receiver that refuses", GuardOf(at(0, refused), []Beat{refused}), Warning, "no notices reach Slack env:SLACK_URL: it answers with status 404"},
		{"that and worse", GuardOf(at(0, both), []Beat{both}), Critical, "the state of api cannot be read or written: nothing is acted on"},
	} {
		if v.guard.Level != v.level || v.guard.Text != v.text || (v.guard.Command == "") != (v.level == Fine) {
			t.Errorf("%s: %+v, want %s %q and a command", v.name, v.guard, v.level, v.text)
		}
	}
}

func TestATaskIsJudged(t *testing.T) {
	p := failover.Policy{ReadyAfter: 30 * time.Second}
	task := func(phase failover.TaskPhase, h failover.Health) failover.Task {
		return failover.Task{ID: "t", Phase: phase, Health: h, Revision: "r1", CreatedAt: noon.Add(-2 * time.Minute), StartedAt: noon.Add(-10 * time.Second)}
	}
	checked := failover.PoolObservation{HealthBased: true, Revisions: []failover.Revision{{ID: "r1", Share: 1}}}
	green, out, unread := checked, checked, checked
	green.Revisions = []failover.Revision{{ID: "r1"}, {ID: "r0", Share: 1}}
	out.OutOfTraffic = true
	unread.HealthErr = failover.ErrDenied
	served := failover.PoolSeen{ServedTo: noon}
	leaving := task(failover.Leaving, "")
	leaving.Works, leaving.EndsAt = true, noon.Add(100*time.Second)
	for _, v := range []struct {
		name  string
		po    failover.PoolObservation
		seen  failover.PoolSeen
		task  failover.Task
		word  string
		says  string
		count bool
	}{
		{"serves", checked, served, task(failover.Running, failover.HealthReady), "in service", "its health checks pass", true},
		{"warms up", checked, failover.PoolSeen{}, task(failover.Running, failover.HealthNotReady), "warming", "RUNNING for 10s and no health check has passed yet", false},
		{"was in service", checked, served, task(failover.Running, failover.HealthNotReady), "unhealthy", "it was in service", false},
		{"of a revision without traffic", green, served, task(failover.Running, failover.HealthReady), "warming", "its revision (r1) carries no production traffic", false},
		{"of a pool without traffic", out, served, task(failover.Running, failover.HealthReady), "warming", "no target group that has listener weight", false},
		{"health denied", unread, failover.PoolSeen{}, task(failover.Running, failover.HealthUnread), "warming", "its health cannot be read (denied)", false},
		{"without checks, too young", failover.PoolObservation{}, failover.PoolSeen{}, task(failover.Running, ""), "warming", "counts after ready_after (30s)", false},
		{"placed", checked, failover.PoolSeen{}, task(failover.Placed, ""), "placed", "starting for 2m: ECS has placed it", false},
		{"provisioning", checked, failover.PoolSeen{}, task(failover.Provisioning, ""), "placed", "nothing shows yet that ECS has capacity", false},
		{"under notice", checked, served, leaving, "leaving", "under notice and still works; ECS stops it at 12:01:40Z at the latest (in 1m40s)", false},
	} {
		if got := TaskOf(&p, &v.po, &v.seen, &v.task, noon); got.Word != v.word || got.InService != v.count || !strings.Contains(got.Text, v.says) {
			t.Errorf("%s: %+v, want %s, in service %v, %q", v.name, got, v.word, v.count, v.says)
		}
	}
}
