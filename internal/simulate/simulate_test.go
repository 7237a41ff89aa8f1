package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sections(t *testing.T, o Options) string {
	t.Helper()
	got, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		for k := range got[i].Rows {
			delete(got[i].Rows[k].Interval, "wall_seconds")
			got[i].Rows[k].Wall = 0
		}
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestResultsDoNotDependOnTheWorkers(t *testing.T) {
	o := Options{Traces: []string{"partial", "article3"}, Policies: []string{"fill", "article", "oracle"}, Tasks: 40, Days: 1, Seeds: 3, Zones: "per-zone", Workers: 1}
	one := sections(t, o)
	for _, n := range []int{2, 5} {
		o.Workers = n
		if many := sections(t, o); many != one {
			t.Errorf("%d workers give\n%s\nand one gives\n%s", n, many, one)
		}
	}
}

func TestASweepIsAGridOverTheFirstOwnPolicy(t *testing.T) {
	got, err := Run(t.Context(), Options{Policies: []string{"spot", "fill"}, Tasks: 10, Days: 1, Sweep: []string{"ready_after=0s..2m/3", "overstart=0,1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := got[0]
	if len(s.Rows) != 8 || s.Rows[2].Policy != "fill ready_after=0s overstart=0" || s.Rows[7].Policy != "fill ready_after=2m0s overstart=1" {
		t.Fatalf("%d rows, the third %q", len(s.Rows), s.Rows[2].Policy)
	}
	if len(s.Sweep.Cells) != 3 || s.Sweep.Cells[2][1] != 7 || s.Rows[7].Fields["overstart"] != "1" {
		t.Errorf("the grid is %+v", s.Sweep)
	}
}

func TestWhatIsAskedForWronglyIsSaid(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Traces: []string{"storm"}}, "read trace: open storm: no such file or directory; built-in traces are article"},
		{Options{Policies: []string{"magic"}}, `unknown policy "magic"`},
		{Options{Tasks: 5001}, "5001 tasks: must be 1 to 5000"},
		{Options{Seeds: 5000}, "5000 seeds"},
		{Options{World: "W9"}, `unknown world "W9"`},
		{Options{Zones: "all"}, `zones "all": must be pooled or per-zone`},
		{Options{StartUp: "90s"}, "must be three durations"},
		{Options{StartUp: "90s,80s,100s"}, `"80s" must be a duration`},
		{Options{WarmUp: "30s"}, "must be two durations"},
		{Options{WarmUp: "30s,20s"}, `"20s" must be a duration`},
		{Options{ScaleIn: "last"}, `scale-in "last": must be one of serving, random, starting`},
		{Options{Unwarned: 2}, "share 2: must be between 0 and 1"},
		{Options{Region: "mars-1"}, "mars-1"},
		{Options{Set: []string{"ready_after"}, Policies: []string{"fill"}}, `set "ready_after": must be field=value`},
		{Options{Set: []string{"redy_after=1m"}, Policies: []string{"fill"}}, `no policy field "redy_after"`},
		{Options{Set: []string{"ready_after=5"}, Policies: []string{"fill"}}, "must carry its unit"},
		{Options{Sweep: []string{"ready_after=1m..1s"}}, "above"},
		{Options{Sweep: []string{"nothing=1"}}, `no policy field "nothing"`},
		{Options{Sweep: []string{"ready_after=1m"}, Policies: []string{"spot"}}, "none of the policies is one of the product's own"},
		{Options{Sweep: []string{"on_budget=hold..release"}}, "is not a value of on_budget"},
		{Options{Control: "slow", Policies: []string{"fill"}}, `control "slow"`},
	} {
		_, err := Run(t.Context(), c.o, nil)
		var asked *OptionError
		if !errors.As(err, &asked) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v gives %v, want %q", c.o, err, c.want)
		}
	}
}

func TestATraceFileWithItsDurationAndScale(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.csv")
	if err := os.WriteFile(file, []byte("# by hand\nseconds,spot\n0,5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Options{Traces: []string{file}}, nil); err == nil || !strings.Contains(err.Error(), "a final row or a duration") {
		t.Errorf("a trace of one row has no length, and that gives %v", err)
	}
	got, err := Run(t.Context(), Options{Traces: []string{file}, Policies: []string{"spot", "oracle"}, Tasks: 10, Duration: 3600e9, Scale: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := got[0].Rows[0]; got[0].Trace != "mine" || r.ShortMinutes != 0 || math.Abs(r.DemandHours-10) > 1e-9 || got[0].About.Notes[0] != "by hand" {
		t.Errorf("twice five tasks hold ten for an hour, and that gives %+v", r)
	}
}

func TestAStoppedSimulationSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Days: 1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	told := 0
	if _, err := Run(t.Context(), Options{Days: 1, Tasks: 5, Policies: []string{"spot", "fill"}, Seeds: 2}, func(p Progress) {
		told++
		if p.Runs != 4 || p.Done < 1 || p.Done > 4 {
			t.Errorf("progress %+v", p)
		}
	}); err != nil || told != 4 {
		t.Errorf("told %d times (%v)", told, err)
	}
}
