package sdkwatch

import (
	"go/build"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../../docs/aws-changes.md"

// watched are the modules whose changes say something about what Backstop guards.
var watched = []string{"applicationautoscaling", "ecs", "elasticloadbalancingv2", "eventbridge"}

// since is when the reading began; what is older is in docs/aws-assumptions.md.
const since = "2026-05-01"

// plumbing are features of the SDK itself, which are the same in each of its modules.
var plumbing = regexp.MustCompile(`(?i)generated clients|endpoint ruleset|clock skew|snapshot tests|schema-based|connection read timeouts|go version|smithy`)

// change is one line of a changelog.
type change struct{ module, version, date, text string }

func (c change) id() string { return c.module + " " + c.version }

var (
	heading = regexp.MustCompile(`^# (v\d+\.\d+\.\d+) \((\d{4}-\d{2}-\d{2})`)
	entry   = regexp.MustCompile(`^\* \*\*(?:Feature|Documentation|Announcement|Breaking Change)\*\*: (.+)$`)
)

// changes are those of a changelog that say something about AWS.
func changes(module, text string) []change {
	var out []change
	at := change{module: module}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if m := heading.FindStringSubmatch(line); m != nil {
			at.version, at.date = m[1], m[2]
		}
		if m := entry.FindStringSubmatch(line); m != nil && at.date >= since && !plumbing.MatchString(m[1]) {
			at.text = m[1]
			out = append(out, at)
		}
	}
	return out
}

// TestEveryChangeOfAWSWasRead compares the changelogs of the modules in use with docs/aws-changes.md.
func TestEveryChangeOfAWSWasRead(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\w+) (v\d+\.\d+\.\d+) \| (\d{4}-\d{2}-\d{2}) \| (.+) \| (.+) \|$`).FindAllStringSubmatch(string(text), -1) {
		if read[m[1]+" "+m[2]] {
			t.Errorf("%s: %s %s is there twice", page, m[1], m[2])
		}
		read[m[1]+" "+m[2]] = true
	}
	left, newest := maps.Clone(read), map[string]string{}
	for _, module := range watched {
		sdk, err := build.Import("github.com/aws/aws-sdk-go-v2/service/"+module, ".", build.FindOnly)
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(filepath.Join(sdk.Dir, "CHANGELOG.md"))
		if err != nil {
			t.Fatal(err)
		}
		found := changes(module, string(log))
		if !heading.MatchString(strings.SplitN(string(log), "\n", 2)[0]) || module == "ecs" && len(found) < 10 {
			t.Fatalf("the changelog of %s has another form: %d changes", module, len(found))
		}
		for _, c := range found {
			if !read[c.id()] {
				t.Errorf("%s of %s was not read: %q\n  Decide what it is for Backstop (a signal, a deployment, a twin, a limit, nothing), do what follows from it, and add a row to docs/aws-changes.md.", c.id(), c.date, c.text)
			}
			delete(left, c.id())
		}
		newest[module] = heading.FindStringSubmatch(string(log))[1]
	}
	for _, id := range slices.Sorted(maps.Keys(left)) {
		module, version, _ := strings.Cut(id, " ")
		if newest[module] == "" || order(version) < order(newest[module]) { // a newer one was read by make sdk-check
			t.Errorf("%s: no changelog has %s", page, id)
		}
	}
}

// order makes a version into a text that sorts as versions do.
func order(version string) string {
	return regexp.MustCompile(`\d+`).ReplaceAllStringFunc(version, func(n string) string { return strings.Repeat("0", 6-min(6, len(n))) + n })
}

func TestAChangeIsFoundAndPlumbingIsNot(t *testing.T) {
	got := changes("ecs", "# v2.0.0 (2030-01-02.2)\n\n* **Feature**: Spot for cats.\n* **Dependency Update**: Updated\n* **Feature**: Add an option to clients to disable clock skew\n\n# v1.0.0 (2019-01-01)\n\n* **Feature**: Old.\n")
	if order("v1.9.0") > order("v1.10.0") {
		t.Error("v1.9.0 is taken for newer than v1.10.0")
	}
	if len(got) != 1 || got[0] != (change{"ecs", "v2.0.0", "2030-01-02", "Spot for cats."}) {
		t.Errorf("found %+v", got)
	}
}
