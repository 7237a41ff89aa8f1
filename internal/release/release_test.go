package release

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const root = "../../"

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(root + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// workflow is what is checked of a GitHub Actions workflow.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		Permissions map[string]string `yaml:"permissions"`
		Timeout     int               `yaml:"timeout-minutes"`
		Uses        string            `yaml:"uses"`
		Steps       []struct {
			Uses string         `yaml:"uses"`
			Run  string         `yaml:"run"`
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func workflows(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(root + ".github/workflows/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	out := make(map[string]string)
	for _, p := range paths {
		out[filepath.Base(p)] = read(t, strings.TrimPrefix(p, root))
	}
	return out
}

func TestActionsArePinnedByCommitAndSayTheirVersion(t *testing.T) {
	pin := regexp.MustCompile(`uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	versions := make(map[string]string)
	for name, text := range workflows(t) {
		for _, line := range strings.Split(text, "\n") {
			if !strings.Contains(line, "uses:") || strings.Contains(line, "uses: ./") {
				continue
			}
			if !pin.MatchString(line) {
				t.Errorf("%s: %s: a tag can be moved; pin the commit and name the version", name, strings.TrimSpace(line))
				continue
			}
			action, commit, _ := strings.Cut(strings.TrimSpace(line[strings.Index(line, "uses:")+5:]), "@")
			if before := versions[action]; before != "" && before != commit {
				t.Errorf("%s: %s is pinned to two commits: %s, %s", name, action, before, commit)
			}
			versions[action] = commit
		}
	}
}

func TestWorkflowsHaveTheLeastRights(t *testing.T) {
	mayWrite := map[string]string{
		"release.yml/release contents": "makes the release", "release.yml/release packages": "pushes the image",
		"release.yml/release id-token": "signs", "release.yml/release attestations": "attests",
		"deploy.yml/plan id-token": "OIDC", "deploy.yml/apply id-token": "OIDC",
	}
	for name, text := range workflows(t) {
		var w workflow
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s: permissions must be {} at the top and named by each job", name)
		}
		for id, job := range w.Jobs {
			if len(job.Permissions) == 0 {
				t.Errorf("%s: job %s names no permissions", name, id)
			}
			for scope, right := range job.Permissions {
				if _, known := mayWrite[name+"/"+id+" "+scope]; right != "read" && !known {
					t.Errorf("%s: job %s may %s %s", name, id, right, scope)
				}
			}
			if job.Uses == "" && job.Timeout == 0 {
				t.Errorf("%s: job %s has no time-out", name, id)
			}
			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: job %s keeps the token in its checkout", name, id)
				}
			}
		}
		if regexp.MustCompile(`(?i)aws[_-](access[_-]key|secret)`).MatchString(text) {
			t.Errorf("%s: long-lived AWS keys; use an OIDC role", name)
		}
		if strings.Contains(text, "pull_request_target") {
			t.Errorf("%s: pull_request_target runs a fork's code with this repository's rights", name)
		}
	}
}

// TestEveryPushIsTestedWholly: the race detector's run is a shorter one, and nothing else fuzzes.
func TestEveryPushIsTestedWholly(t *testing.T) {
	var w workflow
	if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/ci.yml")), &w); err != nil {
		t.Fatal(err)
	}
	runs := make(map[string]bool)
	for _, job := range w.Jobs {
		for _, step := range job.Steps {
			target := strings.Fields(strings.TrimPrefix(step.Run, "make "))
			if strings.HasPrefix(step.Run, "make ") && len(target) > 0 {
				runs[target[0]] = true
			}
		}
	}
	for _, target := range []string{"check", "test", "fuzz", "cross", "reproducible", "sdk-check"} {
		if !runs[target] {
			t.Errorf("no job of ci.yml runs make %s", target)
		}
	}
}

// TestTheFunctionIsBuiltTheSameEverywhere compares the release with the script that builds the zip by hand.
func TestTheFunctionIsBuiltTheSameEverywhere(t *testing.T) {
	const zip = "backstop-lambda_arm64"
	release, script := read(t, ".goreleaser.yaml"), read(t, "scripts/lambda-zip")
	for _, part := range []string{"lambda.norpc", "-trimpath", "-buildvcs=false", "-s -w", "bootstrap", zip, "cmd/backstop-lambda"} {
		if !strings.Contains(release, part) || !strings.Contains(script, part) {
			t.Errorf("%q must be in .goreleaser.yaml and in scripts/lambda-zip", part)
		}
	}
	examples, err := filepath.Glob(root + "examples/terraform/*/variables.tf")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range examples {
		if !strings.Contains(read(t, strings.TrimPrefix(path, root)), "/dist/"+zip+".zip") {
			t.Errorf("%s: the default of lambda_zip is not what scripts/lambda-zip makes", path)
		}
	}
}

func TestEverythingUsesOneTerraform(t *testing.T) {
	versions := make(map[string]bool)
	for name, text := range workflows(t) {
		for _, m := range regexp.MustCompile(`terraform_version: (\S+)`).FindAllStringSubmatch(text, -1) {
			versions[m[1]] = true
		}
		if strings.Contains(text, "hashicorp/setup-terraform") && !strings.Contains(text, "terraform_wrapper: false") {
			t.Errorf("%s: the wrapper hides Terraform's exit code", name)
		}
	}
	if len(versions) != 1 {
		t.Errorf("the workflows use Terraform %v; one is enough", versions)
	}
}

// pages are the ones about running on AWS. Links between them must lead somewhere.
var pages = []string{"SECURITY.md", "docs/aws-changes.md", "docs/comparison.md", "docs/install.md", "docs/iam.md", "docs/operations.md", "terraform/README.md", "terraform/modules/twin/README.md", "terraform/modules/run-task/README.md", "docs/run-task.md", "docs/workflows.md", "examples/terraform/README.md"}

func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.HasPrefix(m[1], "http") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			info, err := os.Stat(root + target)
			if err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
				continue
			}
			if anchor != "" && !info.IsDir() && !anchors(read(t, target))[anchor] {
				t.Errorf("%s: %s has no heading #%s", page, target, anchor)
			}
		}
	}
}

// anchors are the headings of a page as GitHub makes them into anchors.
func anchors(text string) map[string]bool {
	out := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		heading := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(strings.ToLower(m[1]), "$1")
		out[strings.ReplaceAll(regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(heading, ""), " ", "-")] = true
	}
	return out
}

func TestAlarmsPointToHeadingsThatExist(t *testing.T) {
	operations := read(t, "docs/operations.md")
	found := regexp.MustCompile(`See docs/operations\.md, \\"([^\\]+)\\"`).FindAllStringSubmatch(read(t, "terraform/alarms.tf"), -1)
	if len(found) < 3 {
		t.Fatalf("only %d alarms name a heading", len(found))
	}
	for _, m := range found {
		if !strings.Contains(operations, "\n## "+m[1]+"\n") {
			t.Errorf("an alarm points to %q, which docs/operations.md has not", m[1])
		}
	}
}
