package dashboard

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTheDashboardReachesNoAWS: the page shows what a source gives it; whoever needs AWS is wired elsewhere.
func TestTheDashboardReachesNoAWS(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not on PATH")
	}
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("list dependencies: %v", err)
	}
	own := map[string]bool{"dashboard": true, "failover": true, "journal": true, "cost": true, "control": true, "failover/breaker": true, "wording": true, "health": true, "pulse": true}
	for _, name := range strings.Fields(string(out)) {
		if short, ok := strings.CutPrefix(name, "github.com/backstop-ecs/backstop/internal/"); ok {
			if !own[short] {
				t.Errorf("it imports %s: it takes what it shows through its Source", short)
			}
			continue
		}
		if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
			t.Errorf("it imports %s: nothing but the standard library is needed for a page", name)
		}
	}
}
