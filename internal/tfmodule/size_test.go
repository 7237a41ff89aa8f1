package tfmodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var planned = flag.String("planned", "", "directory with plans and states of Terraform, as JSON, by what they are of")

// What AWS takes of a policy (docs/aws-assumptions.md, T16 and T17). The stand-in provider takes any.
const (
	inlineMax  = 10240 // characters of all inline policies of a role, without white space
	managedMax = 6144  // characters of a managed policy, without white space
	managedOf  = 10    // managed policies of a role
	queueMax   = 8192  // bytes of a queue's policy
	busRules   = 300   // rules of an event bus
)

type resource struct {
	Address, Mode, Type string
	Values              map[string]any
}

type tfmodule struct {
	Resources    []resource
	ChildModules []tfmodule `json:"child_modules"`
}

func (m tfmodule) all() []resource {
	all := slices.Clone(m.Resources)
	for _, child := range m.ChildModules {
		all = append(all, child.all()...)
	}
	return all
}

// readPlanned returns the resources of a plan or a state.
func readPlanned(t *testing.T, path string) []resource {
	t.Helper()
	type values struct {
		Root tfmodule `json:"root_module"`
	}
	var file struct {
		Values  values
		Planned values `json:"planned_values"`
	}
	if err := json.Unmarshal(readFile(t, path), &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return slices.DeleteFunc(append(file.Values.Root.all(), file.Planned.Root.all()...), func(r resource) bool { return r.Mode != "managed" })
}

// policySize is the length of a policy as IAM counts it.
func policySize(t *testing.T, r resource) int {
	t.Helper()
	text, _ := r.Values["policy"].(string)
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil || out.Len() == 0 {
		t.Fatalf("%s has no policy that can be measured: %v", r.Address, err)
	}
	return out.Len()
}

// TestWhatIsPlannedFitsIntoAWS measures what terraform/test.sh planned and applied: every example, and tests/large.
func TestWhatIsPlannedFitsIntoAWS(t *testing.T) {
	if *planned == "" {
		t.Skip("no -planned directory: terraform/test.sh gives one")
	}
	paths, err := filepath.Glob(*planned + "/*.json")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d plans in %s: %v", len(paths), *planned, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			inline, managed, rules := map[string]int{}, 0, 0
			for _, r := range readPlanned(t, path) {
				switch r.Type {
				case "aws_iam_role_policy":
					role, _, _ := strings.Cut(r.Address, ".aws_iam_role_policy.") // one installation has one role
					inline[role] += policySize(t, r)
				case "aws_iam_policy":
					managed++
					if n := policySize(t, r); n > managedMax {
						t.Errorf("%s has %d characters, IAM takes %d", r.Address, n, managedMax)
					} else {
						t.Logf("%s: %d of %d characters", r.Address, n, managedMax)
					}
				case "aws_sqs_queue_policy":
					text, _ := r.Values["policy"].(string)
					if len(text) == 0 || len(text) > queueMax {
						t.Errorf("%s has %d bytes, SQS takes 1 to %d", r.Address, len(text), queueMax)
					} else {
						t.Logf("%s: %d of %d bytes", r.Address, len(text), queueMax)
					}
				case "aws_cloudwatch_event_rule":
					rules++
				}
			}
			if len(inline) == 0 {
				t.Fatal("no role has a policy; nothing was measured")
			}
			for _, role := range slices.Sorted(maps.Keys(inline)) {
				if inline[role] > inlineMax {
					t.Errorf("the inline policies of %s have %d characters, IAM takes %d", role, inline[role], inlineMax)
				}
				t.Logf("%s: inline policies with %d of %d characters", role, inline[role], inlineMax)
			}
			if managed > managedOf || rules > busRules {
				t.Errorf("%d managed policies of %d, %d rules of %d", managed, managedOf, rules, busRules)
			}
			t.Logf("%d managed policies of %d, %d rules of %d", managed, managedOf, rules, busRules)
		})
	}
}

// TestManyServicesAreNamedOneByOne looks into the managed policies of tests/large.
func TestManyServicesAreNamedOneByOne(t *testing.T) {
	if *planned == "" {
		t.Skip("no -planned directory: terraform/test.sh gives one")
	}
	looks, changes := map[string]bool{}, map[string]bool{}
	exact := regexp.MustCompile(`^arn:aws:ecs:us-east-1:123456789012:service/prod-[0-3]/api-\d{3}-(spot|standard)$`)
	for _, r := range readPlanned(t, filepath.Join(*planned, "large.json")) {
		if r.Type != "aws_iam_policy" {
			continue
		}
		var p struct{ Statement []statement }
		if err := json.Unmarshal([]byte(r.Values["policy"].(string)), &p); err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Statement {
			for _, arn := range s.Resource {
				if !exact.MatchString(arn) {
					t.Errorf("%s: %s is no service", r.Address, arn)
				}
				looks[arn] = looks[arn] || slices.Contains(s.Action, "ecs:DescribeServices")
				changes[arn] = changes[arn] || slices.Contains(s.Action, "ecs:UpdateService")
			}
		}
	}
	count := func(m map[string]bool) (n int) {
		for _, yes := range m {
			if yes {
				n++
			}
		}
		return n
	}
	if count(looks) != 750 || count(changes) != 746 {
		t.Errorf("it may look at %d services and change %d, want 750 and, as two workloads are observed, 746", count(looks), count(changes))
	}
}

func TestTheReadmeSaysWhatTheLargestFixtureHas(t *testing.T) {
	fixture, err := os.ReadFile(moduleDir + "/tests/large/main.tf")
	if err != nil || !bytes.Contains(fixture, []byte("range(375)")) {
		t.Fatalf("tests/large has not 375 workloads of two services: %v", err)
	}
	if !strings.Contains(string(readFile(t, moduleDir+"/README.md")), "750 services") {
		t.Error("README.md promises another number of services than tests/large has")
	}
}
