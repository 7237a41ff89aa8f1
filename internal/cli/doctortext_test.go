package cli

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/doctor"
)

// fleetReport is what a doctor finds of forty workloads of which all have one fault and two another.
func fleetReport() *doctor.Report {
	r := &doctor.Report{OK: 40, Warn: 40, Fail: 2}
	for i := range 40 {
		name := fmt.Sprintf("svc-%02d", i)
		pool := doctor.Subject{Kind: doctor.KindPool, Workload: name, Pool: "spot"}
		whole := doctor.Subject{Kind: doctor.KindWorkload, Workload: name}
		r.Results = append(r.Results, doctor.Result{Check: "stop-timeout", Subject: pool, Status: doctor.Warn, Text: fmt.Sprintf("%d has 30 s: it is killed long before the two-minute notice ends", i),
			Fix: fmt.Sprintf("stopTimeout = 120   # of revision %d", i)}, doctor.Result{Check: doctor.LastPass, Subject: whole, Status: doctor.OK, Text: "2s ago"})
		if i%20 == 3 {
			r.Results = append(r.Results, doctor.Result{Check: "actions-allowed", Subject: whole, Status: doctor.Fail, Text: "AccessDenied", Fix: "docs/iam.md"})
		}
	}
	return r
}

func TestTheDoctorOfAFleetFitsAScreen(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     doctorOptions
		width int
		lines int
		has   []string
	}{
		{"a pipe", doctorOptions{output: outputText}, 0, 8, []string{
			"WARN stop-timeout           40 workloads (svc-00, svc-01, svc-02 and 37 more), as in svc-00: 0 has 30 s",
			"fix of svc-00/spot, the others' with -o wide: stopTimeout = 120   # of revision 0",
			"FAIL actions-allowed        2 workloads (svc-03, svc-23): AccessDenied\n       fix: docs/iam.md",
			"ok   last-pass              40 workloads: 2s ago", "1 failure, 1 warning in 40 workloads; 40 checks are ok"}},
		{"only problems", doctorOptions{output: outputText, problems: true}, 0, 7, []string{"WARN stop-timeout"}},
		{"a narrow terminal", doctorOptions{output: outputText}, 60, 15, []string{"  WARN stop-timeout\n       40 workloads (svc-00, svc-01, svc-02 and 37 more), as\n       in svc-00"}},
		{"every workload", doctorOptions{output: outputWide}, 0, 40*5 + 2*2 + 1 + 40, []string{"workload svc-39\n  pool spot\n    WARN stop-timeout"}},
	} {
		s, out, _ := testIO("")
		s.Width, s.OutTerminal = c.width, c.width > 0
		s.Env = func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }
		if err := printDoctor(s, c.o, fleetReport()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "\n"); n > c.lines {
			t.Errorf("%s: %d lines, want at most %d\n%s", c.name, n, c.lines, out)
		}
		for _, want := range c.has {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, out)
			}
		}
		for l := range strings.Lines(out.String()) {
			if c.width > 0 && utf8.RuneCountInString(l) > c.width+1 && !strings.Contains(l, "fix") && !strings.Contains(l, "checks are") {
				t.Errorf("%s: %q is too wide", c.name, l)
			}
		}
	}
}
