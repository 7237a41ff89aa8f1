package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

var statusNow = time.Date(2026, 11, 2, 9, 26, 0, 0, time.UTC)

// sighted is a workload that wants so many tasks, with so many of them in service on Spot and on on-demand, checked 12 s ago.
func sighted(name string, demand, spot, onDemand int, change func(*seen)) seen {
	v := seen{workload: config.Workload{Name: name, Pools: []config.PoolRef{{Name: "spot", Cluster: "prod", Service: name + "-spot"}, {Name: "standard", Cluster: "prod", Service: name + "-standard"}}},
		known: true, look: health.Look{Age: 12 * time.Second, Every: time.Minute}}
	v.workload.Policy = failover.Policy{StartLimit: 3 * time.Minute, Pools: []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}}
	v.decision = &failover.Decision{At: statusNow.Add(-14 * time.Minute), Demand: demand, InService: failover.Exactly(spot + onDemand), Missing: failover.Exactly(max(0, demand-spot-onDemand)),
		Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, InService: failover.Exactly(spot)}, {Pool: "standard", Capacity: failover.OnDemand, InService: failover.Exactly(onDemand)}}}
	v.record.State.Seen.At, v.record.State.Demand = statusNow.Add(-4*time.Minute), demand
	if change != nil {
		change(&v)
	}
	return v
}

// fleet are forty workloads of which five need a person.
func fleet() sight {
	var out sight
	for i := range 35 {
		onDemand := 0
		if i%9 == 4 {
			onDemand = 2
		}
		out.all = append(out.all, sighted(fmt.Sprintf("service-%02d", i), 6, 6-onDemand, onDemand, nil))
	}
	missing := func(ago time.Duration, f ...failover.Finding) func(*seen) {
		return func(v *seen) {
			v.record.State.MissingSince = statusNow.Add(-ago)
			v.decision.Findings = f
		}
	}
	return sight{all: append(out.all,
		sighted("zebra", 5, 0, 0, missing(2*time.Minute, failover.Finding{Reason: failover.ReasonOnDemandMax, Pool: "standard", Count: 4, Limit: 1})),
		sighted("api", 72, 0, 4, missing(9*time.Minute, failover.Finding{Reason: failover.ReasonQuota, Pool: "standard", Count: 3, Limit: 68, Detail: "FARGATE"})),
		sighted("batch", 20, 17, 0, missing(40*time.Second)),
		sighted("checkout-of-the-whole-company-with-a-long-name", 10, 4, 6, func(v *seen) {
			v.decision.Findings = []failover.Finding{{Reason: failover.ReasonScalingParked, Pool: "spot", Count: 5, Limit: 50}}
		}),
		sighted("mail", 4, 4, 0, func(v *seen) {
			v.decision.Findings = []failover.Finding{{Reason: failover.ReasonDrift, Pool: "standard", Detail: "mail:7"}}
		}))}
}

// TestStatusIsATableTheWorstFirst: forty workloads fit a screen, and what a person has to do comes with its command.
func TestStatusIsATableTheWorstFirst(t *testing.T) {
	v := fleet()
	facts := statusOf(&v, statusNow)
	for _, width := range []int{120, 80, 60} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			var out bytes.Buffer
			if err := printStatus(&out, &facts, false, width); err != nil {
				t.Fatal(err)
			}
			golden(t, fmt.Sprintf("status_%d.txt", width), out.String())
			inTable := false
			for line := range strings.Lines(out.String()) {
				inTable = strings.HasPrefix(line, "STATE") || inTable && line != "\n"
				if n := utf8.RuneCountInString(strings.TrimRight(line, " \n")); inTable && n > width {
					t.Errorf("a row has %d columns:\n%s", n, line)
				}
			}
		})
	}
	if facts.NeedYou != 5 || facts.Healthy || facts.Levels.Critical != 2 || facts.Levels.Fine+facts.Levels.Covering != 35 {
		t.Errorf("%d need you, levels %v, healthy %v", facts.NeedYou, facts.Levels, facts.Healthy)
	}
	var wide bytes.Buffer
	if err := printStatus(&wide, &facts, true, 0); err != nil || !strings.Contains(wide.String(), "CLUSTER") || !strings.Contains(wide.String(), "checkout-of-the-whole-company-with-a-long-name") {
		t.Errorf("%v: wide is\n%s", err, wide.String())
	}
}

// TestOneStepForManyIsPrintedOnce: a shortage hits forty workloads at once, and asks for one thing.
func TestOneStepForManyIsPrintedOnce(t *testing.T) {
	var v sight
	for i := range 40 {
		v.all = append(v.all, sighted(fmt.Sprintf("service-%02d", i), 6, 2+i%3, 0, func(v *seen) {
			v.record.State.MissingSince = statusNow.Add(-time.Minute)
			v.decision.Findings = []failover.Finding{{Reason: failover.ReasonObserving, Count: 1}}
		}))
	}
	facts := statusOf(&v, statusNow)
	var out bytes.Buffer
	if err := printStatus(&out, &facts, false, 120); err != nil {
		t.Fatal(err)
	}
	_, steps, _ := strings.Cut(out.String(), "\n\nSTATE")
	_, steps, _ = strings.Cut(steps, "\n\n")
	if n := strings.Count(steps, "next:"); n != 1 || !strings.Contains(steps, "the same for 39 more workloads: service-03, service-06, service-09 and 36 more\n") {
		t.Errorf("%d steps:\n%s", n, steps)
	}
}

// golden compares an answer with the file that keeps it; -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs (-update writes it):\n%s", path, got)
	}
}

// TestASilentGuardIsOneBanner: once, with the command, and the counts are those of the last look.
func TestASilentGuardIsOneBanner(t *testing.T) {
	v := fleet()
	for i := range v.all {
		v.all[i].look.Age = 7 * time.Minute
	}
	facts := statusOf(&v, statusNow)
	var out bytes.Buffer
	if err := printStatus(&out, &facts, false, 0); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if facts.Healthy || facts.NeedYou != 40 || facts.Guard.Level != health.Critical {
		t.Errorf("healthy %v, %d need you, guard %+v", facts.Healthy, facts.NeedYou, facts.Guard)
	}
	if n := strings.Count(text, "`backstop run`"); n != 1 || !strings.HasPrefix(text, "CRITICAL: the guard is silent: nothing was checked for 7m, and nothing is covered meanwhile\n  next: start the daemon") {
		t.Errorf("the command stands %d times:\n%s", n, text)
	}
	if n := strings.Count(text, "as of 14m ago"); n != 40 {
		t.Errorf("%d of 40 rows say of when their counts are:\n%s", n, text)
	}
}

// TestStatusSaysWhenItLooked: a healthy workload that is quiet for hours was looked at seconds ago.
func TestStatusSaysWhenItLooked(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration
		want string
	}{
		{"quiet", 12 * time.Second, "  checked   12s ago; no change since 2026-11-02 09:12:00Z\n"},
		{"silent", 4 * time.Minute, "  as of     2026-11-02 09:12:00Z, 14m ago; not checked since\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := sighted("api", 4, 4, 0, func(v *seen) { v.look.Age = c.age })
			f := factOf(&v, statusNow)
			var out bytes.Buffer
			if err := printWorkload(&out, statusNow, &f, 0); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("%v: it prints\n%s\nwant %q", err, out.String(), c.want)
			}
			if f.Healthy != (c.name == "quiet") {
				t.Errorf("healthy is %v", f.Healthy)
			}
		})
	}
}

// TestStatusSaysOfWhenTheHealthIs: the counts were read seconds ago, the targets' health minutes ago, in the pool that was read the
// longest ago. A pool without tasks or health checks says nothing, nor does one whose health is not read any more.
func TestStatusSaysOfWhenTheHealthIs(t *testing.T) {
	ago := func(d time.Duration) time.Time { return statusNow.Add(-d) }
	for _, c := range []struct {
		name  string
		pools []failover.PoolSeen
		want  string
	}{
		{"old", []failover.PoolSeen{{Name: "spot", Desired: 4, ServedTo: ago(4 * time.Minute)}, {Name: "standard", Desired: 1, ServedTo: ago(2 * time.Minute)}}, "; health as of " + wording.Clock(ago(4*time.Minute)) + "\n"},
		{"fresh", []failover.PoolSeen{{Name: "spot", Desired: 4, ServedTo: ago(30 * time.Second)}}, "2026-11-02 09:12:00Z\n"},
		{"none", []failover.PoolSeen{{Name: "spot", Desired: 4}, {Name: "standard", ServedTo: ago(3 * time.Minute)}}, "2026-11-02 09:12:00Z\n"},
		{"not read any more", []failover.PoolSeen{{Name: "spot", Desired: 4, ServedTo: ago(time.Hour)}}, "2026-11-02 09:12:00Z\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := sighted("api", 4, 4, 0, func(v *seen) {
				v.look.Age = 12 * time.Second
				v.record.State.Seen.At, v.record.State.Seen.Pools = statusNow, c.pools
			})
			f := factOf(&v, statusNow)
			if got := checkedLine(statusNow, &f) + "\n"; !strings.HasSuffix(got, c.want) {
				t.Errorf("it says %q, want %q at its end", got, c.want)
			}
		})
	}
}

// TestAnEventIsDatedByTheClockOfTheDecisions: a sandbox's clock runs ahead of the machine's, which dates the sign of life.
func TestAnEventIsDatedByTheClockOfTheDecisions(t *testing.T) {
	all := []seen{sighted("api", 4, 4, 0, func(v *seen) {
		v.record.State.Seen.At, v.events = statusNow.Add(time.Hour), []time.Time{statusNow.Add(-10 * time.Second), {}}
	})}
	dateEvents(all, statusNow)
	now := nowOf(statusNow, all)
	if first, second := eventText(now, all[0].events[0]), eventText(now, all[0].events[1]); first != "10s ago" || second != "" {
		t.Errorf("the last events are %q and %q", first, second)
	}
}

func TestNeverLookedAtNeedsAGuard(t *testing.T) {
	v := sight{all: unseen([]config.Workload{{Name: "api"}})}
	facts := statusOf(&v, statusNow)
	if facts.Healthy || facts.Guard.Command != "backstop run" || facts.Workloads[0].Level != health.Critical || facts.Workloads[0].Known {
		t.Errorf("%+v", facts)
	}
}

func TestWorkloadsAreChosenByCluster(t *testing.T) {
	file := &config.File{Name: "backstop.yaml", Workloads: []config.Workload{{Name: "a", Pools: []config.PoolRef{{Cluster: "prod"}}},
		{Name: "b", Pools: []config.PoolRef{{Cluster: "arn:aws:ecs:us-east-1:123456789012:cluster/prod"}}}, {Name: "c", Pools: []config.PoolRef{{Cluster: "test"}}}}}
	for _, v := range []struct {
		chosen selection
		want   string
	}{
		{selection{}, "a b c"},
		{selection{cluster: "prod"}, "a b"},
		{selection{names: []string{"b", "c"}, cluster: "arn:aws:ecs:us-east-1:123456789012:cluster/test"}, "c"},
		{selection{cluster: "nowhere"}, ""},
	} {
		got, err := v.chosen.of(file)
		if text := strings.Join(workloadNames(got), " "); text != v.want || (err != nil) != (v.want == "") {
			t.Errorf("%+v chooses %q (%v), want %q", v.chosen, text, err, v.want)
		}
	}
}

// TestWithoutASignOfLifeTheStateCounts: without a sign of life a quiet workload's state counts, which is written every five minutes.
func TestWithoutASignOfLifeTheStateCounts(t *testing.T) {
	v := sighted("api", 4, 4, 0, func(v *seen) { v.look = health.Look{Age: 14 * time.Minute, Every: control.HeartbeatEvery} })
	if f := factOf(&v, statusNow); !f.Healthy {
		t.Errorf("%+v", f.Verdict)
	}
	v.look.Age = 16 * time.Minute
	if f := factOf(&v, statusNow); f.Healthy {
		t.Errorf("%+v", f.Verdict)
	}
}
