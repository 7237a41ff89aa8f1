package doctor_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

var update = flag.Bool("update", false, "write docs/doctor.md")

func say(t *testing.T, r doctor.Report) {
	t.Helper()
	for _, res := range r.Results {
		if res.Status != doctor.OK {
			t.Logf("%s %s %s/%s: %s\n  fix: %s", res.Status, res.Check, res.Subject.Workload, res.Subject.Pool, res.Text, res.Fix)
		}
	}
}

func TestAHealthySetUpIsAllOK(t *testing.T) {
	l := newLab(t)
	l.tryPolicy(allowsAll)
	r := l.examine()
	if !r.Healthy || r.Warn+r.Fail+r.Skip > 0 {
		say(t, r)
		t.Fatalf("%d ok, %d warn, %d fail, %d skip", r.OK, r.Warn, r.Fail, r.Skip)
	}
	seen := map[string]bool{}
	for _, res := range r.Results {
		seen[res.Check] = true
		if res.Text == "" {
			t.Errorf("%s says nothing", res.Check)
		}
	}
	for _, c := range doctor.Checks() {
		if !seen[c.Name] {
			t.Errorf("%s did not run", c.Name)
		}
	}
	if len(r.Changes()) > 0 {
		t.Errorf("a healthy set-up would be changed: %v", r.Changes())
	}
}

// TestEveryPlantedFaultIsNamed plants one fault at a time and wants the check that is about it to find it, to say how
// it is mended, and no other check to fail for it.
func TestEveryPlantedFaultIsNamed(t *testing.T) {
	for n, p := range plants {
		t.Run(p.what, func(t *testing.T) {
			if racetest.Enabled && n%4 != 0 {
				t.Skip("all faults are found by the same goroutines")
			}
			t.Parallel()
			l := newLab(t)
			p.do(l)
			r := l.examine()
			i := slices.IndexFunc(r.Results, func(res doctor.Result) bool { return res.Check == p.check && res.Status == p.status })
			if i < 0 {
				say(t, r)
				t.Fatalf("%s does not say %s", p.check, p.status)
			}
			if res := r.Results[i]; !strings.Contains(res.Text, p.says) || res.Fix == "" {
				t.Errorf("%s says %q, fix %q; want %q and a fix", p.check, res.Text, res.Fix, p.says)
			}
			for _, res := range r.Results {
				if res.Status == doctor.Fail && res.Check != p.check && !slices.Contains(p.also, res.Check) {
					t.Errorf("%s fails too: %s", res.Check, res.Text)
				}
			}
			if r.Healthy != (r.Fail == 0) {
				t.Errorf("healthy %t with %d failures", r.Healthy, r.Fail)
			}
		})
	}
}

// TestEveryCheckHasItsFault keeps checks from being added that nothing shows to work.
func TestEveryCheckHasItsFault(t *testing.T) {
	for _, c := range doctor.Checks() {
		if !slices.ContainsFunc(plants, func(p plant) bool { return p.check == c.Name }) {
			t.Errorf("no fault is planted for %s", c.Name)
		}
	}
}

// TestAQuietDaemonIsNoDeadOne: nothing happens for half an hour but passes.
func TestAQuietDaemonIsNoDeadOne(t *testing.T) {
	l := newLab(t)
	for range 30 {
		l.advance(time.Minute)
		l.pass()
	}
	r := l.examine()
	if i := slices.IndexFunc(r.Results, func(res doctor.Result) bool { return res.Check == "last-pass" }); r.Results[i].Status != doctor.OK {
		t.Errorf("after a quiet half hour: %s", r.Results[i].Text)
	}
}

func TestSymptomsOfAKnownCauseAreSkipped(t *testing.T) {
	l := newLab(t)
	l.file.Workloads[0].Pools[1].Cluster = "gone"
	for _, res := range l.examine().Results {
		about := res.Subject.Pool == "standard" || (res.Subject.Kind == doctor.KindWorkload && strings.HasPrefix(res.Check, "twins-"))
		if about && res.Check != "cluster-exists" && (res.Status != doctor.Skip || res.Cause != "cluster-exists") {
			t.Errorf("%s of %s: %s for %q, want it skipped for cluster-exists", res.Check, res.Subject.Pool, res.Status, res.Cause)
		}
		if res.Subject.Pool == "spot" && res.Status != doctor.OK {
			t.Errorf("%s of spot: %s, though only the standby's cluster is gone", res.Check, res.Status)
		}
	}
}

// TestOneFindingOnManyWorkloadsIsOne: names and numbers differ, what is wrong does not.
func TestOneFindingOnManyWorkloadsIsOne(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"web", "shop", "a"} {
		if err := l.box.Setup(sandbox.Twins{Region: region, Cluster: cluster, Name: name, Count: len(name), CPU: 1024, Memory: 2048}); err != nil {
			t.Fatal(err)
		}
		w := l.file.Workloads[0]
		w.Name, w.Pools = name, []config.PoolRef{{Name: "spot", Cluster: cluster, Service: name + "-spot"}, {Name: "standard", Cluster: cluster, Service: name + "-standard"}}
		l.file.Workloads = append(l.file.Workloads, w)
	}
	l.file.Workloads = append(l.file.Workloads, l.file.Workloads[3])
	gone := &l.file.Workloads[4]
	gone.Name, gone.Pools = "gone", []config.PoolRef{{Name: "spot", Cluster: cluster, Service: "gone-spot"}, {Name: "standard", Cluster: cluster, Service: "gone-standard"}}
	r := l.examine()
	found := map[string][]string{}
	for _, s := range r.Sections() {
		for i := range s.Findings {
			if f := &s.Findings[i]; f.Status == doctor.Fail || f.Status == doctor.Warn {
				found[f.Check] = append(found[f.Check], strings.Join(f.Names(), " "))
			}
		}
	}
	for check, want := range map[string]string{"stop-timeout": "web shop a", "last-pass": "web shop a gone", "service-exists": "gone"} {
		if got := found[check]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want one finding on %q", check, got, want)
		}
	}
}

func TestWhatTheEndpointDoesNotOfferIsSkipped(t *testing.T) {
	l := newLab(t)
	l.skipELB = true
	r := l.examine()
	if r.Fail+r.Warn > 0 {
		say(t, r)
		t.Fatal("it is taken for a problem")
	}
	for _, res := range r.Results {
		if wanted := slices.Contains([]string{"deregistration-delay", "subnet-addresses", "target-limits"}, res.Check); wanted != (res.Status == doctor.Skip) {
			t.Errorf("%s: %s: %s", res.Check, res.Status, res.Text)
		}
	}
}

func TestFixMakesTheSafeChangesAndNoOther(t *testing.T) {
	l := newLab(t)
	newer := l.define(120, types.CPUArchitectureX8664)
	l.update("api-spot", func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &newer })
	l.update("api-standard", func(in *ecs.UpdateServiceInput) { in.EnableExecuteCommand = aws.Bool(true) })
	l.register("api-standard", 2, 40, nil)
	l.update("api-standard", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(0) })
	l.advance(20 * time.Minute)
	r := l.examine()
	changes := r.Changes()
	if len(changes) != 2 { // one call for the service, one for its target
		t.Fatalf("changes: %+v", changes)
	}
	if err := doctor.Apply(t.Context(), l.cfg, changes, nil); err != nil {
		t.Fatal(err)
	}
	l.advance(5 * time.Minute)
	l.pass()
	after := l.examine()
	for _, check := range []string{"twins-same"} {
		if i := slices.IndexFunc(after.Results, func(res doctor.Result) bool { return res.Check == check }); after.Results[i].Status != doctor.OK {
			t.Errorf("%s is still %s: %s", check, after.Results[i].Status, after.Results[i].Text)
		}
	}
	services := must[*ecs.DescribeServicesOutput](l)(l.ecs().DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"api-spot", "api-standard"}})).Services
	if services[0].RunningCount != demand || services[1].DesiredCount != 0 {
		t.Errorf("counts were changed: %d run on Spot, %d are asked for on demand", services[0].RunningCount, services[1].DesiredCount)
	}
	for _, res := range after.Results {
		if res.Status == doctor.Fail {
			t.Errorf("%s fails: %s", res.Check, res.Text)
		}
	}
}

func TestAStandbyWithTasksIsNotTouched(t *testing.T) {
	l := newLab(t)
	l.update("api-standard", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(3) })
	newer := l.define(120, types.CPUArchitectureX8664)
	l.update("api-spot", func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &newer })
	l.advance(20 * time.Minute)
	r := l.examine()
	if changes := r.Changes(); len(changes) > 0 {
		t.Errorf("a service with tasks would be deployed: %+v", changes)
	}
}

func TestTheReportIsJSON(t *testing.T) {
	raw, err := json.Marshal(newLab(t).examine())
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Healthy bool
		Results []struct{ Check, Status string }
	}
	if err := json.Unmarshal(raw, &back); err != nil || !back.Healthy || len(back.Results) < 40 {
		t.Errorf("%v, %+v", err, back)
	}
}

// TestTheDocumentation keeps docs/doctor.md in step with the checks and the planted faults; -update writes it.
func TestTheDocumentation(t *testing.T) {
	var b strings.Builder
	b.WriteString(documentHead)
	b.WriteString("| check | of | wants | needs |\n| --- | --- | --- | --- |\n")
	for _, c := range doctor.Checks() {
		var needs []string
		for _, n := range c.Needs {
			if n != "credentials" {
				needs = append(needs, "`"+n+"`")
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Name, c.Kind, c.About, strings.Join(needs, ", "))
	}
	b.WriteString(documentFaults)
	b.WriteString("| what is wrong | found by | as |\n| --- | --- | --- |\n")
	for _, p := range plants {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", p.what, p.check, p.status)
	}
	const file = "../../docs/doctor.md"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, []byte(b.String())) {
		t.Errorf("%s is not what the checks say; go test ./internal/doctor -run Documentation -update writes it", file)
	}
}

const documentHead = `# Doctor

<!-- Written by go test ./internal/doctor -run Documentation -update -->

` + "`backstop doctor`" + ` checks what would make a failover fail, before it is needed. It reads and changes nothing. Every problem comes
with its fix: a command, or lines of Terraform. Exit code 3 means that a check failed; warnings alone are 0.

With several workloads, what is found in the same way on many of them is one line: their number, the first names, and the text of the first.
` + "`-o wide`" + ` shows the checks of each. Before the first ` + "`backstop run`" + ` nothing guards them: that is a warning which names the next step, and exit code 0.

A check is skipped, with the cause, when a check that it needs has failed, when a permission is missing, or when the endpoint does
not offer a call, so that one cause does not show as ten symptoms. All of them need ` + "`credentials`" + `.

` + "`--problems`" + ` shows only what is not as it should be, ` + "`--output json`" + ` prints the whole tree ([json.md](json.md)). ` + "`--fix`" + ` lists the changes that
stop no task and start none, and makes them after a yes (` + "`--yes`" + ` where nobody can be asked): a standby *without tasks* gets the first
pool's own in each field in which it is not the same service (` + "`twins-same`" + `), and the minimum of a standby's scalable target becomes 0. Desired counts, strategies and anything that runs are never touched. After that it looks again until AWS shows them, for
some seconds at most.

` + "`--live`" + ` also tries on AWS what can be tried for nothing and without a change: it asks IAM whether the policy of the guard's role (` + "`--policy FILE`" + `, as ` + "`terraform output -raw policy`" + ` prints it) allows each of the guard's calls,
with the action, the resource and the condition keys of each (` + "`policy-allows`; `iam:SimulateCustomPolicy`" + `), and repeats reads for ten seconds (` + "`reads-fresh`" + `). Event patterns are tried on EventBridge always (` + "`rules-match`" + `), and what guards have seen of AWS is ` + "`aws-as-expected`" + `.
What pools with a ` + "`role_arn`" + ` need is the policy of that role, which is not tried.

What it cannot know: whether writes are allowed, as ECS has no dry run (` + "`actions-allowed`" + ` reads the journal for refusals); and what else in
the account uses the vCPU quotas and the places in target groups.

The way of events is followed from each pool to the queue: the rules of the pool's own account and region, the buses they forward to, SNS topics, the queue's policy with
its conditions, and its key. Patterns are tried with ` + "`events:TestEventPattern`" + ` where that is allowed. What may not be read (the rules of another account whose role does not
allow ` + "`events:ListRules`" + ` and ` + "`events:ListTargetsByRule`" + `, a key's policy, a condition on an organization) is a warning until an event of the pool has come that shows it. A fix of a
policy adds a statement to what is there; one of a target keeps the rest of it.

Scaling policies are judged by what their metrics are about. A step policy is what its alarms follow; one that takes missing data for a breach moves the demand as soon as Spot runs nothing. A predictive policy that learns
from the Spot service alone takes hours of cover for quiet ones, and whether a suspension holds its forecast AWS does not say. While a breaker has a target parked, target tracking and steps are suspended and act on the count that is restored.

Beyond what the guard itself reads, it asks for ` + "`elasticloadbalancing:DescribeAccountLimits`" + `, ` + "`cloudwatch:DescribeAlarms`" + ` (step policies) and ` + "`kms:GetKeyPolicy`" + `, ` + "`kms:DescribeKey`" + ` (a queue with a key of your own); without one, what hangs on it
is skipped or unknown.

## Checks

`

const documentFaults = `
## Proof

Each of these faults is planted, one at a time, in a healthy set-up in the sandbox; the check named finds it, and no other fails
without reason. The same test finds nothing wrong in the set-up as it was.

`
