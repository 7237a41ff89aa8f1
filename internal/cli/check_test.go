package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestAnOptionOfASimulationIsNamedByItsFlag, and a directory for the report is made only for options that hold.
func TestAnOptionOfASimulationIsNamedByItsFlag(t *testing.T) {
	for args, want := range map[string]string{
		"--trace nope":   "--trace: ",
		"--events nope":  "--events: ",
		"--policy magic": "--policy: ",
		"--set x":        "--set ",
	} {
		s, _, _ := testIO("")
		dir := filepath.Join(t.TempDir(), "report")
		err := parse(t, newSimulateCommand(s), append(strings.Fields(args), "--out", dir)...)
		if err == nil || !strings.HasPrefix(err.Error(), want) || codeOf(err) != ExitUsage {
			t.Errorf("%s: got %v, want %q", args, err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: the directory for the report was made", args)
		}
	}
}

// TestAReportIsAFileWhereItsNameIsAFiles, and nothing is made for a name that is neither.
func TestAReportIsAFileWhereItsNameIsAFiles(t *testing.T) {
	dir := t.TempDir()
	play := []string{"simulate", "--days", "1", "--tasks", "4", "--policy", "fill,spot", "--out"}
	for _, c := range []struct {
		out   string
		code  int
		makes []string
	}{
		{"page.html", ExitDone, []string{"page.html"}},
		{"rows.CSV", ExitDone, []string{"rows.CSV"}},
		{"all", ExitDone, []string{"all/report.html", "all/results.json", "all/results.csv"}},
		{"run-1.5", ExitDone, []string{"run-1.5/report.html"}},
		{"page.pdf", ExitUsage, nil},
		{"page.html/deep", ExitUsage, nil},
	} {
		_, errs := runs(t, c.code, append(play, filepath.Join(dir, c.out))...)
		if c.code != ExitDone && !strings.Contains(errs, "--out") {
			t.Errorf("%s: %s", c.out, errs)
		}
		for _, name := range c.makes {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() || info.Size() == 0 {
				t.Errorf("%s: %s is no report: %v", c.out, name, err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, c.out)); c.code != ExitDone && err == nil {
			t.Errorf("%s was made", c.out)
		}
	}
}

// TestARegionHasOneForm: what a flag takes a configuration takes, and so does the sandbox, which has a form of its own.
func TestARegionHasOneForm(t *testing.T) {
	for name, want := range map[string]bool{
		"us-east-1": true, "us-gov-west-1": true, "ap-southeast-10": true, "eusc-de-east-1": true, "us-isob-east-1": true,
		"us-east": false, "us-east-100": false, "europe-west-1": false, "US-EAST-1": false, "us1": false, "": false, "us-east-1/x": false,
	} {
		if c, s := config.IsRegion(name), sandbox.IsRegion(name); c != want || s != want {
			t.Errorf("%q: a configuration takes it: %t, the sandbox: %t; want %t", name, c, s, want)
		}
	}
	if _, err := config.Parse([]byte("version: 1\nregion: eusc-de-east-1\nworkloads:\n  - name: api\n"+twoPools), "b.yaml"); err != nil {
		t.Errorf("a region of the European Sovereign Cloud: %v", err)
	}
}
