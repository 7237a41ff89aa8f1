package failover_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheGuaranteesNameTheScripts keeps the cases of docs/guarantees.md and the scripts that hold them in step.
func TestTheGuaranteesNameTheScripts(t *testing.T) {
	page, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	isCase := regexp.MustCompile(`^[LM]\d\d[a-z]?_`)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v, %d found", err, len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if isCase.MatchString(name) && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/guarantees.md does not name %s", name)
		}
	}
	for _, m := range regexp.MustCompile("`([LM]\\d\\d[a-z]?_[a-z_0-9]+)`").FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat("testdata/" + m[1] + ".txt"); err != nil {
			t.Errorf("docs/guarantees.md names %s, which is no script", m[1])
		}
	}
}
