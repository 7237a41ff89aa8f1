package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFuzzingFailsByFindingsOnly: go 1.26 ends a run of a fuzz target that found nothing with "context deadline
// exceeded" now and then (golang/go#75804); whatever else fails must fail.
func TestFuzzingFailsByFindingsOnly(t *testing.T) {
	const progress = "fuzz: elapsed: 3s, execs: 95006 (0/sec), new interesting: 11 (total: 267)\n"
	for _, test := range []struct {
		name, says string
		code       string
		fails      bool
	}{
		{name: "nothing found", says: progress + "PASS\nok  \tx\t3.0s\n", code: "0"},
		{name: "ended late", says: progress + "--- FAIL: $t (3.05s)\n    context deadline exceeded\nFAIL\nexit status 1\nFAIL\tx\t3.051s\n", code: "1"},
		{name: "a finding", says: progress + "--- FAIL: $t (1.02s)\n    --- FAIL: $t (0.00s)\n        f_test.go:9: wrong\n    \n    Failing input written to testdata/fuzz/$t/1\nFAIL\n", code: "1", fails: true},
		{name: "a finding that speaks of a deadline", says: progress + "--- FAIL: $t (1.02s)\n    --- FAIL: $t (0.00s)\n        context deadline exceeded\n    \n    Failing input written to testdata/fuzz/$t/1\nFAIL\n", code: "1", fails: true},
		{name: "a kept input", says: "failure while testing seed corpus entry: $t/1\n--- FAIL: $t (0.00s)\n    context deadline exceeded\nFAIL\n", code: "1", fails: true},
		{name: "a target that hangs", says: "--- FAIL: $t (3.00s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\nFAIL\n", code: "1", fails: true},
		{name: "another error", says: "--- FAIL: $t (3.05s)\n    context deadline exceeded\n    and more\nFAIL\n", code: "1", fails: true},
		{name: "another target", says: "--- FAIL: FuzzOther (3.05s)\n    context deadline exceeded\nFAIL\n", code: "1", fails: true},
		{name: "what does not build", says: "FAIL\tx [build failed]\n", code: "1", fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			script := "#!/bin/sh\nfor a; do case \"$a\" in ^Fuzz*) t=\"${a#^}\"; t=\"${t%$}\";; esac; done\ncat <<EOF\n" + test.says + "EOF\nexit " + test.code + "\n"
			fake := filepath.Join(dir, "go")
			if err := os.WriteFile(fake, []byte(script), 0o700); err != nil { //nolint:gosec // it is run
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "bash", root+"scripts/fuzz", "3s")
			cmd.Env = append(os.Environ(), "GO="+fake)
			out, err := cmd.CombinedOutput()
			if (err != nil) != test.fails {
				t.Errorf("it ended with %v, and said\n%s", err, out)
			}
			if n := strings.Count(string(out), "fuzz ./internal/"); n < 5 {
				t.Errorf("%d targets were run", n)
			}
			if said := strings.Contains(string(out), "no finding; go was late"); said != (test.name == "ended late") {
				t.Errorf("it said\n%s", out)
			}
		})
	}
}
