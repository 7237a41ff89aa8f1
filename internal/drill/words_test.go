package drill

import (
	"strings"
	"testing"
)

// TestTheTimesOfADrillStandUnderEachOther, whatever the length of what they are of.
func TestTheTimesOfADrillStandUnderEachOther(t *testing.T) {
	at := 2.0
	for _, cover := range []int{0, 7, 12} {
		r := Report{Heard: &at, Asked: &at, Placed: &at, Running: &at, Ready: &at, Whole: &at, Over: &at, Cover: cover}
		times := 0
		for _, line := range r.Lines() {
			if i := strings.Index(line, "after 2.0s"); i >= 0 {
				if times++; i != 39 {
					t.Errorf("column %d: %s", i, line)
				}
			}
			if strings.Contains(line, "(0 on-demand tasks)") {
				t.Errorf("cover that was not seen has a number: %s", line)
			}
		}
		if times != 7 {
			t.Errorf("%d times, want 7", times)
		}
	}
}
