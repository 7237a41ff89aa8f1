package cli

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// marks are what stands before a check.
var marks = map[doctor.Status]string{doctor.OK: "ok  ", doctor.Warn: "WARN", doctor.Fail: "FAIL", doctor.Skip: "skip"}

// checkColumn is how wide the names of checks are.
const checkColumn = 22

// doctorNarrow is the width of a terminal below which a text stands under its check.
const doctorNarrow = 100

// printDoctor writes what was found: of one workload each check, of several what is alike once.
func printDoctor(s IO, o doctorOptions, r *doctor.Report) error {
	c := checkup{s: s, problems: o.problems}
	workloads := 0
	for i := range r.Results {
		if res := &r.Results[i]; res.Subject.Kind == doctor.KindWorkload && res.Check == doctor.LastPass {
			workloads++
		}
	}
	if o.output == outputWide || workloads < 2 {
		c.tree(r)
	} else {
		c.sections(r, workloads)
	}
	_, err := fmt.Fprint(s.Out, c.String())
	return err
}

// checkup is the text of a report.
type checkup struct {
	strings.Builder
	s        IO
	problems bool // nothing else
}

// tree writes a heading for every subject and its checks.
func (c *checkup) tree(r *doctor.Report) {
	heading, workload := "", ""
	for i := range r.Results {
		res := &r.Results[i]
		if c.problems && (res.Status == doctor.OK || res.Status == doctor.Skip) {
			continue
		}
		indent := "  "
		if w := res.Subject.Workload; w != "" {
			indent = "    "
			if w != workload {
				fmt.Fprintf(c, "workload %s\n", w)
				workload, heading = w, ""
			}
		}
		if h := headingOf(res.Subject); h != heading {
			fmt.Fprintf(c, "%s%s\n", indent[2:], h)
			heading = h
		}
		c.line(indent, res.Status, res.Check, res.Text)
		c.fix(indent, "fix: ", res.Fix)
	}
	fmt.Fprintf(c, "%d ok, %s, %s, %d skipped\n", r.OK, wording.Count(r.Warn, "warning"), wording.Count(r.Fail, "failure"), r.Skip)
}

// sections writes what is alike on several workloads or pools as one finding.
func (c *checkup) sections(r *doctor.Report, workloads int) {
	warnings, failures := 0, 0
	for _, section := range r.Sections() {
		headed := false
		for i := range section.Findings {
			f := &section.Findings[i]
			switch f.Status {
			case doctor.Warn:
				warnings++
			case doctor.Fail:
				failures++
			case doctor.OK, doctor.Skip:
				if c.problems {
					continue
				}
			}
			if !headed {
				fmt.Fprintln(c, sectionHeading(section.Subject))
				headed = true
			}
			c.line("  ", f.Status, f.Check, findingText(f))
			label := "fix: "
			if !f.AlikeFix {
				label = "fix of " + strings.TrimSuffix(f.Subjects[0].Workload+"/"+f.Subjects[0].Pool, "/") + ", the others' with -o wide: "
			}
			c.fix("  ", label, f.Fix)
		}
	}
	fmt.Fprintf(c, "%s, %s in %s; %d checks are ok, %d were skipped", wording.Count(failures, "failure"), wording.Count(warnings, "warning"), wording.Count(workloads, "workload"), r.OK, r.Skip)
	if failures+warnings > 0 {
		fmt.Fprint(c, "; -o wide shows each workload's")
	}
	fmt.Fprintln(c)
}

// findingText says what was found, and on how many.
func findingText(f *doctor.Finding) string {
	names := f.Names()
	switch len(names) {
	case 0:
		return f.Text
	case 1:
		return names[0] + ": " + f.Text
	}
	what := wording.Count(len(names), "workload")
	if f.Status != doctor.OK {
		what += " (" + wording.Some(names) + ")"
	}
	if !f.Alike {
		return what + ", as in " + names[0] + ": " + f.Text
	}
	return what + ": " + f.Text
}

func sectionHeading(s doctor.Subject) string {
	switch s.Kind {
	case doctor.KindPool:
		return "pools"
	case doctor.KindWorkload:
		return "workloads"
	}
	return headingOf(s)
}

// line writes a check and what it says: beside it, or below it on a narrow terminal.
func (c *checkup) line(indent string, status doctor.Status, check, text string) {
	mark := indent + paint(c.s, status, marks[status]) + " "
	width := c.s.Width
	if !c.s.OutTerminal {
		width = 0
	}
	left := len(indent) + 5
	switch {
	case width == 0:
		fmt.Fprintf(c, "%s%-*s %s\n", mark, checkColumn, check, visible(text))
		return
	case width < doctorNarrow:
		fmt.Fprintln(c, mark+check)
	default:
		left += checkColumn + 1
		fmt.Fprintf(c, "%s%-*s ", mark, checkColumn, check)
	}
	for n, line := range wrap(visible(text), max(width-left, helpWidthMin/2)) {
		if n > 0 || width < doctorNarrow {
			fmt.Fprint(c, strings.Repeat(" ", left))
		}
		fmt.Fprintln(c, line)
	}
}

// fix writes the fix, never wrapped: people copy it.
func (c *checkup) fix(indent, label, fix string) {
	if fix == "" {
		return
	}
	for line := range strings.Lines(fix) {
		fmt.Fprintf(c, "%s     %s%s\n", indent, label, visible(strings.TrimSuffix(line, "\n")))
		label = "     "
	}
}

func headingOf(s doctor.Subject) string {
	switch s.Kind {
	case doctor.KindRegion:
		if s.RoleARN != "" {
			return "region " + s.Region + " as " + s.RoleARN
		}
		return "region " + s.Region
	case doctor.KindPool:
		return "pool " + s.Pool
	case doctor.KindWorkload:
		return "as a whole"
	}
	return string(s.Kind)
}

// paint colours a mark on a terminal; the letters alone say the same.
func paint(s IO, status doctor.Status, text string) string {
	code := map[doctor.Status]string{doctor.OK: "32", doctor.Warn: "33", doctor.Fail: "31;1", doctor.Skip: "2"}[status]
	if !s.color() {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
