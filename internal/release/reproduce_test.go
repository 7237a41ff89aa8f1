package release

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheSameCommitGivesTheSameZip builds the function's zip here and of a copy: in another directory, with an empty build cache, in another
// time zone and under another umask.
func TestTheSameCommitGivesTheSameZip(t *testing.T) {
	if os.Getenv("BACKSTOP_REPRODUCE") == "" {
		t.Skip("SKIPPED: it compiles everything a second time; make reproducible does it")
	}
	for _, program := range []string{"bash", "zip", "go", "git"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED: no %s here", program)
		}
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	there := filepath.Join(work, "elsewhere")
	build := func(dir, out string, before string, env ...string) []byte {
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", before+`scripts/lambda-zip "$0"`, filepath.Join(work, out))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		data, err := os.ReadFile(filepath.Join(work, out))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	// What is there now, not what was committed: both sides are the same source.
	copied := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", `mkdir "$0" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$0"`, there)
	copied.Dir = here
	if text, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copy the source: %v\n%s", err, text)
	}
	first := build(here, "first.zip", "")
	second := build(there, "second.zip", "umask 077; ", "TZ=Pacific/Chatham", "GOCACHE="+filepath.Join(work, "cache"))
	if !bytes.Equal(first, second) {
		t.Errorf("the same source gave %d and %d bytes that differ", len(first), len(second))
	}
	t.Logf("%d bytes, twice the same", len(first))
}
