package simulate

import (
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/racetest"
)

// noise is a record of nothing, without an end.
type noise struct{ line []byte }

func (n noise) Read(to []byte) (int, error) {
	for at := 0; at < len(to); {
		at += copy(to[at:], n.line)
	}
	return len(to), nil
}

func TestARecordWithoutAnEndIsGivenUp(t *testing.T) {
	if racetest.Enabled {
		t.Skip("one goroutine reads megabytes")
	}
	for line, want := range map[string]string{
		strings.Repeat("x", 64<<10-1) + "\n": "read events noise: no event in its first 11 lines or objects", "\x00": "line 1 is longer than 4194304 bytes",
		"[": "line 1 is longer", "{\"a\":": "line 1 is longer", "[1,": "line 1 is longer", " ": "line 1 is longer", "{\"a\":1}\n": "no event in its first 11",
	} {
		_, err := FromEvents(noise{[]byte(line)}, "noise", 10, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q: got %v, want %q", line, err, want)
		}
	}
}
