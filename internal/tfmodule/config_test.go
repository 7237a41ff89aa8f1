package tfmodule

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

func TestTheGeneratedConfigurationIsOne(t *testing.T) {
	file, err := config.Parse(readFile(t, testdata+"/config.yaml"), "config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Warnings) > 0 {
		t.Errorf("warnings: %v", file.Warnings)
	}
	if file.State.DynamoDB != "backstop" || file.Events.SQS == "" || !file.Metrics.EMF || len(file.Notify) != 3 {
		t.Errorf("state %+v, events %+v, metrics %+v, %d receivers", file.State, file.Events, file.Metrics, len(file.Notify))
	}
	if key := file.Notify[2].SigningSecret; key.IsZero() {
		t.Error("the webhook's signing key did not reach the configuration")
	}
	w := file.Workloads[0]
	p := w.Policy
	if p.Preset != failover.PresetSwitch || p.StartLimit != time.Minute || p.Overstart != 0.25 || p.Pools[0].Drain != failover.DrainLate || !p.SyncTaskDefinition || p.OnDemandMax != 40 || p.Demand != 20 {
		t.Errorf("the policy is %+v", p)
	}
	if len(w.Pools) != 3 || p.Pools[1].Max != 50 || w.Pools[2].RoleARN == "" || w.Pools[2].Region != "us-west-2" {
		t.Errorf("the pools are %+v", w.Pools)
	}

	observing, err := config.Parse(readFile(t, testdata+"/config_observe.yaml"), "config_observe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !observing.Workloads[0].Policy.Observe {
		t.Error("observe = true must reach the policy")
	}
}

// TestTheVariableHasEveryFieldOfThePolicy keeps the module's typed policy equal to the one that the configuration has.
func TestTheVariableHasEveryFieldOfThePolicy(t *testing.T) {
	text := moduleFiles(t)["variables.tf"]
	block := regexp.MustCompile(`(?s)policy = optional\(object\(\{(.*?)\}\), \{\}\)`).FindStringSubmatch(text)
	if block == nil {
		t.Fatal("no policy in the variable workloads")
	}
	have := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^\s+([a-z_]+)\s+= optional\((\w+)`).FindAllStringSubmatch(block[1], -1) {
		have[m[1]] = m[2]
	}
	if have["preset"] != "string" {
		t.Error("no preset")
	}
	delete(have, "preset")
	for _, f := range tunable.Fields() {
		if f.Key == "demand" || f.Key == "owner" {
			continue // keys of the workload itself
		}
		want := "number"
		switch f.Kind {
		case tunable.KindBool:
			want = "bool"
		case tunable.KindDuration, tunable.KindEnum, tunable.KindName:
			want = "string"
		}
		if have[f.Key] != want {
			t.Errorf("policy.%s is %q in variables.tf, want %s", f.Key, have[f.Key], want)
		}
		delete(have, f.Key)
	}
	if len(have) > 0 {
		t.Errorf("variables.tf has fields that a policy has not: %v", have)
	}
}

func TestEveryVariableAndOutputIsTypedAndDescribed(t *testing.T) {
	for _, dir := range []string{moduleDir, moduleDir + "/modules/twin", moduleDir + "/modules/forward", moduleDir + "/modules/run-task", "../../examples/terraform/*"} {
		files, err := filepath.Glob(dir + "/*.tf")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", dir, err)
		}
		for _, path := range files {
			for _, b := range regexp.MustCompile(`(?ms)^(variable|output) "(\w+)" \{\n(.*?)^\}`).FindAllStringSubmatch(string(readFile(t, path)), -1) {
				if !regexp.MustCompile(`(?m)^  description\s+= ".{8,}`).MatchString(b[3]) {
					t.Errorf("%s: %s %q has no description", path, b[1], b[2])
				}
				if b[1] == "variable" && !regexp.MustCompile(`(?m)^  type\s+=`).MatchString(b[3]) {
					t.Errorf("%s: variable %q has no type", path, b[2])
				}
			}
		}
	}
}

// TestNothingIsDestroyedBeforeTheGuardWasAsked: what does not wait for aws_lambda_invocation.destroy is gone when it refuses. IAM's
// resources are waited for by the function itself.
func TestNothingIsDestroyedBeforeTheGuardWasAsked(t *testing.T) {
	files := moduleFiles(t)
	_, asked, ok := strings.Cut(files["alias.tf"], `resource "aws_lambda_invocation" "destroy"`)
	if !ok {
		t.Fatal("nothing asks before a destroy")
	}
	for name, text := range files {
		for _, m := range regexp.MustCompile(`(?m)^resource "(\w+)" "(\w+)"`).FindAllStringSubmatch(text, -1) {
			address := m[1] + "." + m[2]
			if !strings.HasPrefix(name, "iam") && address != "aws_lambda_invocation.destroy" && !strings.Contains(asked, "    "+address+",\n") {
				t.Errorf("%s is not in depends_on of aws_lambda_invocation.destroy", address)
			}
		}
	}
}

func TestAlarmsAndDashboardUseTheMetricsThatExist(t *testing.T) {
	files := moduleFiles(t)
	var names []string
	for _, m := range metric.Metrics() {
		names = append(names, m.Name)
		if !strings.Contains(files["dashboard.tf"], `"`+m.Name+`"`) {
			t.Errorf("the dashboard does not show %s", m.Name)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)namespace\s+= local\.namespace\n\s+metric_name\s+= "(\w+)"`).FindAllStringSubmatch(files["alarms.tf"], -1) {
		if !slices.Contains(names, m[1]) {
			t.Errorf("an alarm watches %s, which nobody emits", m[1])
		}
	}
	for _, line := range []string{`namespace = "` + metric.Namespace + `"`, `{ ` + metric.Dimension + ` = each.key }`} {
		if !strings.Contains(files["alarms.tf"], line) {
			t.Errorf("alarms.tf has no %s", line)
		}
	}
	if !strings.Contains(files["dashboard.tf"], `"`+metric.Dimension+`", name`) {
		t.Error("the dashboard's metrics have another dimension")
	}
}

func TestExamplesAreSafeForTwins(t *testing.T) {
	text := string(readFile(t, "../../examples/terraform/new-service/main.tf"))
	for part, why := range map[string]string{
		`ignore_changes = \[desired_count\]`:            "an apply would put the count back in the middle of a failover",
		`stopTimeout = 120`:                             "the default of 30 s wastes the two-minute warning",
		`deregistration_delay = (\d|[1-9]\d|1[01]\d)\n`: "it must be below the two minutes of the warning",
		`spot = aws_ecs_service\.spot`:                  "the twin must be made from the Spot service",
	} {
		if !regexp.MustCompile(part).MatchString(text) {
			t.Errorf("the example has no %s: %s", part, why)
		}
	}
	if strings.Contains(text, `capacity_provider = "FARGATE"`) {
		t.Error("the twin is the module's to make")
	}
}
