package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

var update = flag.Bool("update", false, "write golden and generated files")

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (go test ./internal/config -update writes it); got\n%s", file, got)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil || len(all) == 0 {
		t.Fatalf("no files %s (%v)", pattern, err)
	}
	return all
}

func parse(t testing.TB, name string) *File {
	t.Helper()
	f, err := Parse(read(t, filepath.Join("testdata", "good", name+".yaml")), "backstop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEveryFaultIsReportedInFull(t *testing.T) {
	for _, file := range files(t, "testdata/bad/*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			f, err := Parse(read(t, file), "backstop.yaml")
			var all *Error
			if f != nil || !errors.As(err, &all) || len(all.Problems) == 0 {
				t.Fatalf("want an *Error alone, got %v and %v", f, err)
			}
			if strings.Contains(err.Error(), "t0ps3cret") {
				t.Errorf("a secret is shown: %v", err)
			}
			for _, p := range all.Problems {
				if p.Text == "" || p.File != "backstop.yaml" || p.Warning {
					t.Errorf("incomplete problem %+v", p)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(err.Error()+"\n"))
		})
	}
}

func TestTheShortestFileHasEveryDefault(t *testing.T) {
	fill, _ := failover.Preset(failover.PresetFill)
	fill.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
	want := &File{
		Name: "backstop.yaml", Version: 1, Tick: time.Minute,
		State:   State{SQLite: "backstop.db"},
		Metrics: Metrics{Namespace: "Fargate/Failover"},
		HTTP:    HTTP{Listen: "127.0.0.1:7077"},
		Workloads: []Workload{{Name: "api", Policy: fill, Pools: []PoolRef{
			{Name: "spot", Cluster: "prod", Service: "api-spot"}, {Name: "standard", Cluster: "prod", Service: "api-standard"}}}},
	}
	if got := parse(t, "minimal"); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestACompleteFileIsReadInFull(t *testing.T) {
	f := parse(t, "complete")
	api, _ := failover.Preset(failover.PresetSwitch)
	api.StartLimit, api.Switch.Probe, api.OnDemandBudgetUSDMonthly, api.Demand = 10*time.Minute, 0.1, 500, 200
	api.Pools = []failover.Pool{
		{Name: "a", Capacity: failover.Spot}, {Name: "b", Capacity: failover.Spot, Max: 100},
		{Name: "c", Capacity: failover.Spot, Tier: 1}, {Name: "standard", Capacity: failover.OnDemand, Tier: 2, Min: 1}}
	web, _ := failover.Preset(failover.PresetObserve)
	web.Owner = "spot"
	web.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
	want := &File{
		Name: "backstop.yaml", Version: 1, Region: "us-east-1", Tick: 30 * time.Second,
		State:  State{DynamoDB: "backstop"},
		Events: Events{SQS: "https://sqs.us-east-1.amazonaws.com/123456789012/backstop"},
		Notify: []Notify{
			{SNS: "arn:aws:sns:us-east-1:123456789012:backstop"},
			{Slack: Secret{scheme: "env", name: "SLACK_WEBHOOK_URL"}},
			{Webhook: Literal("https://ops.example.com/t0ps3cret")}},
		Metrics: Metrics{EMF: true, Namespace: "Shop/Failover"},
		Prices: Prices{Date: "2026-11-01", Table: []Price{
			{"us-east-1", failover.OnDemand, "X86_64", 0.032384, 0.003556}, {"us-east-1", failover.OnDemand, "ARM64", 0.026, 0.0028}}},
		Tasks: []Tasks{{Cluster: "jobs", Region: "us-east-1", SecurityGroups: []string{"sg-1", "sg-2"}, Subnets: []string{"subnet-1"}},
			{Cluster: "jobs", Region: "us-west-2", Account: "123456789012", SecurityGroups: []string{"sg-3"}, PublicIP: true}},
		Workloads: []Workload{
			{Name: "api", Labels: map[string]string{"team": "shop", "tier": "1"}, Policy: api, Task: Task{1024, 2048, "ARM64"}, Pools: []PoolRef{
				{Name: "a", Region: "us-west-2", Cluster: "arn:aws:ecs:us-west-2:123456789012:cluster/prod", Service: "api-a"}, {Name: "b", Region: "us-west-2", Cluster: "prod", Service: "api-b"},
				{Name: "c", Region: "us-east-1", Cluster: "prod", Service: "api-c", RoleARN: "arn:aws:iam::210987654321:role/ops/backstop",
					ExternalID: "f2c1", SessionTags: map[string]string{"team": "shop"}}, {Name: "standard", Region: "us-east-1", Cluster: "prod", Service: "api-standard"}}},
			{Name: "web", Policy: web, Pools: []PoolRef{{Name: "spot", Region: "us-east-1", Cluster: "prod", Service: "web-spot"}, {Name: "standard", Region: "us-east-1", Cluster: "prod", Service: "web-standard"}}},
		},
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("\n got %+v\nwant %+v", f, want)
	}
	ws := Workloads(f)
	ws[0].Name = "changed"
	if f.Workloads[0].Name != "api" {
		t.Error("Workloads hands out the file's own slice")
	}
}

func TestAliasesAndMergeKeysStandForWhatTheyName(t *testing.T) {
	f := parse(t, "aliases")
	api, web := f.Workloads[0], f.Workloads[1]
	if web.Policy.Preset != "switch" || web.Policy.StartLimit != 5*time.Minute || web.Policy.Switch.Probe != 0.1 || api.Policy.Switch.Probe == 0.1 {
		t.Errorf("policies: %+v and %+v", api.Policy, web.Policy)
	}
	if p := web.Pools; p[0].Service != "web-spot" || p[1].Service != "web-standard" || p[1].Name != "standard" || web.Policy.Pools[1].Capacity != failover.OnDemand {
		t.Errorf("merged pools: %+v", p)
	}
}

func TestWhatIsOddIsAWarningWithItsPlace(t *testing.T) {
	var got []string
	for _, w := range parse(t, "odd").Warnings {
		if !w.Warning {
			t.Errorf("not marked: %+v", w)
		}
		got = append(got, w.String())
	}
	want := []string{
		"backstop.yaml:4:61: workloads[0].policy.on_demand_budget_usd_monthly: is reckoned with the task definition's size, as the workload has no task; add task: {cpu, memory}",
		"backstop.yaml:8:64: workloads[0].pools[1].capacity: should be FARGATE for the last pool: nothing covers a Spot shortage otherwise (got FARGATE_SPOT)",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAHostileFileIsRefusedSoon(t *testing.T) {
	if racetest.Enabled {
		t.Skip("one goroutine's work: the race detector sees nothing in it, and the run without it has it")
	}
	bomb := "version: 1\na0: &a0 {name: x}\n"
	for i := range 20 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9))
	}
	bomb += "workloads: *a20\n"
	pool := "      - {name: p, cluster: c, service: s, capacity: FARGATE}\n"
	many := "version: 1\nworkloads:\n  - &w\n    name: a\n    pools: &p\n" + strings.Repeat(pool, 20) + strings.Repeat("  - *w\n", 4000)
	for name, c := range map[string]struct{ data, want string }{
		"a huge file":          {strings.Repeat("# x\n", bytesMax/4+1), "must be at most 1048576 bytes"},
		"an alias bomb":        {bomb, "unknown key"},
		"a bomb of workloads":  {many, "at most 300000 values"},
		"a bomb of merge keys": {"version: 1\nregion: us-east-1\nworkloads: []\nx: &x {version: 1, region: us-east-1, workloads: [], tick: 1m}\n<<: [" + strings.Repeat("*x, ", 100_000) + "]\n", "at most 300000 values"},
		"deep nesting":         {strings.Repeat("[", 20000), "exceeded max depth"},
		"too many workloads":   {"version: 1\nworkloads: [" + strings.Repeat("a,", workloadsMax) + "a]\n", "between 1 and 5000 items"},
		"very many problems":   {"version: 1\nworkloads: [" + strings.Repeat("{x: 1},", 300) + "]\n", "and 800 more"},
		"control characters":   {"version: \x01", "control characters are not allowed"},
		"a long unknown key":   {strings.Repeat("x", 900) + ": 1\n", strings.Repeat("x", shownMax) + "..."},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f, err := Parse([]byte(c.data), "backstop.yaml")
			if f != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("want an error with %q, got %.2000v", c.want, err)
			}
			if n := len(err.Error()); n > 64<<10 {
				t.Errorf("the error has %d bytes", n)
			}
			// What grows with every alias of an alias takes hours; a busy machine with the race detector, seconds.
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestFiveThousandWorkloadsFitInOneFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nworkloads:\n")
	for i := range workloadsMax {
		fmt.Fprintf(&b, "- {name: w%d, pools: [{name: s, cluster: c, service: w%[1]ds, capacity: FARGATE_SPOT}, {name: o, cluster: c, service: w%[1]do, capacity: FARGATE}]}\n", i)
	}
	if b.Len() > bytesMax {
		t.Fatalf("%d bytes", b.Len())
	}
	f, err := Parse([]byte(b.String()), "many.yaml")
	if err != nil || len(f.Workloads) != workloadsMax {
		t.Fatal(err)
	}
}

func TestSuggestionsForWhatWasMeant(t *testing.T) {
	words := []string{"capacity", "cluster", "role_arn", "region", "settle", "settle_max"}
	for word, want := range map[string]string{
		"capacty": "capacity", "clutser": "cluster", "roleArn": "role_arn", "ROLE-ARN": "role_arn", "regoin": "region",
		"settlemax": "settle_max", "kubernetes": "", "": "", strings.Repeat("c", 100): "",
	} {
		if got := suggest(word, words); got != want {
			t.Errorf("%q suggests %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"über", "uber", 1}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != got {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	data := read(b, "testdata/good/complete.yaml")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data, "backstop.yaml"); err != nil {
			b.Fatal(err)
		}
	}
}
