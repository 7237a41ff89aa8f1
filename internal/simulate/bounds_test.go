package simulate

import (
	"bytes"
	"strings"
	"testing"
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
	if testing.Short() {
		t.Skip("reads 256 MiB")
	}
	_, err := FromEvents(noise{append(bytes.Repeat([]byte("x"), 64<<10-1), '\n')}, "noise", 10)
	if err == nil || !strings.Contains(err.Error(), "read events noise: no event in its first") {
		t.Errorf("got %v", err)
	}
}
