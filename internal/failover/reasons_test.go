package failover_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	. "github.com/backstop-ecs/backstop/internal/failover" //nolint:revive,staticcheck // the lab speaks the law's words
)

// TestEveryReasonIsGivenBySomeScript keeps the closed set of reasons closed from the other side: one that no situation produces is either dead
// or not tested.
func TestEveryReasonIsGivenBySomeScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v, %d found", err, len(files))
	}
	// A decision begins with its reason, a finding with "- " and its reason.
	given := map[Reason]bool{}
	lead, finding := regexp.MustCompile(`(?m)^([a-z_]+); demand `), regexp.MustCompile(`(?m)^- ([a-z_]+): `)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range append(lead.FindAllSubmatch(data, -1), finding.FindAllSubmatch(data, -1)...) {
			given[Reason(m[1])] = true
		}
	}
	var known []Reason
	for _, r := range Reasons() {
		known = append(known, r)
		if !given[r] {
			t.Errorf("no script gives the reason %s", r)
		}
	}
	for r := range given {
		if !slices.Contains(known, r) {
			t.Errorf("a script gives %s, which is no reason", r)
		}
	}
}
