package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestTheExampleWorkloadsAreValid reads every example and looks at what makes each of those with several pools one.
func TestTheExampleWorkloadsAreValid(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v in examples (%v)", files, err)
	}
	read := map[string]Workload{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Parse(data, name)
		if err != nil {
			t.Errorf("%s is not valid: %v", name, err)
			continue
		}
		if len(file.Warnings) > 0 {
			t.Errorf("%s is odd: %v", name, file.Warnings)
		}
		read[filepath.Base(name)] = Workloads(file)[0]
	}
	if t.Failed() {
		return
	}
	tiers := func(name string) (spot []int) {
		for _, p := range read[name].Policy.Pools {
			if p.Capacity == failover.Spot {
				spot = append(spot, p.Tier)
			}
		}
		return spot
	}
	if s := tiers("zones.yaml"); len(s) != 3 || s[0] != s[1] || s[1] != s[2] || read["zones.yaml"].Policy.Demand == 0 {
		t.Errorf("zones.yaml: the Spot pools are in the tiers %v, of one number of tasks", s)
	}
	for _, name := range []string{"arm64.yaml", "regions.yaml"} {
		if s := tiers(name); len(s) != 2 || s[0] >= s[1] {
			t.Errorf("%s: the Spot pools are in the tiers %v, and should follow each other", name, s)
		}
	}
}
