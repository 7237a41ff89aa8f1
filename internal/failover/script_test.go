package failover_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the scripts' answers")

// TestScripts plays the scripts of testdata: commands in the operator's words, and after ---- what was decided and why. With -update
// the answers are written; they are to be read before they are committed.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v, %d found", err, len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := playScript(t, string(data))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(data) {
				t.Errorf("%s is decided otherwise (go test -run TestScripts -update writes it):\n%s", file, diff(string(data), got))
			}
			if strings.Contains(got, "BROKEN") {
				t.Errorf("%s breaks a promise", file)
			}
		})
	}
}

// playScript plays a script and returns it with the answers. A block of commands ends with ----; what stands between that and the next
// empty line is the answer.
func playScript(t *testing.T, script string) string {
	var out strings.Builder
	var l *lab
	answer := false
	var printed strings.Builder
	for _, line := range strings.SplitAfter(script, "\n") {
		text := strings.TrimSpace(line)
		switch {
		case answer && text != "":
			continue
		case answer:
			answer = false
			out.WriteString(line)
		case text == "----":
			out.WriteString(line)
			out.WriteString(printed.String())
			printed.Reset()
			answer = true
		case text == "" || strings.HasPrefix(text, "#"):
			out.WriteString(line)
		default:
			out.WriteString(line)
			if name, ok := strings.CutPrefix(text, "preset "); ok {
				l = newLab(name)
				continue
			}
			if l == nil {
				t.Fatalf("the script has no preset before %q", text)
			}
			printed.WriteString(l.do(t, text))
		}
	}
	return out.String()
}

// diff shows the first lines in which two texts differ.
func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return "line " + itoa(i+1) + ":\n  has  " + a + "\n  now  " + b
		}
	}
	return ""
}

func itoa(n int) string {
	if n == 0 {
		return "0"
	}
	s := ""
	for ; n > 0; n /= 10 {
		s = string(rune('0'+n%10)) + s
	}
	return s
}
