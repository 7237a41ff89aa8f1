package cli

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"

	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// actionOf is the IAM action of a call's name in the sandbox, which knows no EC2: the one call of it reads subnets.
func actionOf(call string) string {
	if call == ":unknown" {
		return "ec2:DescribeSubnets"
	}
	service, op, _ := strings.Cut(strings.TrimSuffix(call, "Batch"), ":")
	return strings.NewReplacer("eventbridge", "events", "elasticloadbalancingv2", "elasticloadbalancing", "applicationautoscaling", "application-autoscaling").Replace(service) + ":" + op
}

// permitted is the table of docs/iam.md: the actions of each command.
func permitted(t *testing.T) map[string]map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../../docs/iam.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## The CLI\n")
	out := map[string]map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z].*`) \\| (.+) \\|$").FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([a-z -]+)`").FindAllStringSubmatch(row[1], -1) {
			actions := map[string]bool{}
			for _, a := range regexp.MustCompile("`([a-z0-9-]+:[A-Z][A-Za-z]+)`").FindAllStringSubmatch(row[2], -1) {
				actions[a[1]] = true
			}
			out[name[1]] = actions
		}
	}
	return out
}

// TestEachCommandCallsWhatThePagePermits plays the commands that call AWS by themselves, and holds the table of docs/iam.md to their recorded
// calls: none is missing there, and none is there that the command does not make.
func TestEachCommandCallsWhatThePagePermits(t *testing.T) {
	page := permitted(t)
	h := newHour(t)
	if err := h.box.Setup(sandbox.Twins{Cluster: "prod", Name: "web", Count: 4, TargetGroup: true}); err != nil {
		t.Fatal(err)
	}
	cfg, err := session.Load(t.Context(), "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := applicationautoscaling.NewFromConfig(cfg).RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs",
		ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String("service/prod/web-spot"), MinCapacity: aws.Int32(2), MaxCapacity: aws.Int32(20)}); err != nil {
		t.Fatal(err)
	}
	called := map[string]map[string]bool{}
	for _, line := range []string{"init", "init --terraform", "doctor", "adopt --list", "adopt web-spot", "release web --yes --timeout 1s", "failover web --reason x --for 30m --yes",
		"restore web --reason x --yes", "pin web spot --reason x --for 30m --yes", "unpin web --reason x --yes", "pause web --reason x --for 30m --yes", "resume web --reason x --yes",
		"status", "explain web", "cost", "history"} {
		h.box.ForgetCalls()
		var out bytes.Buffer
		s := IO{In: strings.NewReader(""), Out: &out, Err: &out, Env: func(string) string { return "" }, Now: h.box.Now}
		if code := Main(t.Context(), strings.Fields(line), s); code == ExitUsage || code == ExitFailed {
			t.Fatalf("backstop %s: exit code %d\n%s", line, code, out.String())
		}
		name, _, _ := strings.Cut(line, " ")
		if called[name] == nil {
			called[name] = map[string]bool{}
		}
		for call := range h.box.Calls().Counts {
			called[name][actionOf(call)] = true
		}
	}
	for name, actions := range called {
		listed, ok := page[name]
		if !ok {
			t.Errorf("docs/iam.md, \"The CLI\", has no row for %s", name)
		}
		if got, want := slices.Sorted(maps.Keys(actions)), slices.Sorted(maps.Keys(listed)); !slices.Equal(got, want) {
			t.Errorf("%s calls\n%v\ndocs/iam.md says\n%v", name, got, want)
		}
	}
}
