package cli

import (
	"bytes"
	"testing"
)

// TestATableThatDoesNotFitIsTurned: its columns become rows, in as many blocks as it takes; in a pipe nothing is changed.
func TestATableThatDoesNotFitIsTurned(t *testing.T) {
	rows := [][]string{{"  POOL", "TARGET", "IN SERVICE"}, {"  spot-a", "6", "5"}, {"  spot-b", "10", "9"}, {"  standard", "1", "1"}}
	for _, c := range []struct {
		name  string
		width int
		want  string
	}{
		{"a pipe", 0, "  POOL      TARGET  IN SERVICE\n  spot-a    6       5\n  spot-b    10      9\n  standard  1       1\n"},
		{"it fits", 30, "  POOL      TARGET  IN SERVICE\n  spot-a    6       5\n  spot-b    10      9\n  standard  1       1\n"},
		{"two pools in a row", 29, "  POOL        spot-a  spot-b\n  TARGET      6       10\n  IN SERVICE  5       9\n  POOL        standard\n  TARGET      1\n  IN SERVICE  1\n"},
	} {
		var out bytes.Buffer
		if err := fitted(&out, rows, c.width); err != nil || out.String() != c.want {
			t.Errorf("%s: got\n%s%v, want\n%s", c.name, out.String(), err, c.want)
		}
	}
}
