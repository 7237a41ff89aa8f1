package health

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Tell writes into a decision what people are told of it: the texts of its findings, on what conditions it would be another one, and its
// notices. before is the state it was taken from, after the one it leads to, which keeps what was told.
func Tell(p *failover.Policy, before, after *failover.State, d *failover.Decision) {
	for i := range d.Findings {
		d.Findings[i].Text = wording.Finding(&d.Findings[i])
	}
	d.Next = wording.Next(p, after, d)
	d.Notices = notices(p, before, after, d)
	after.Told = failover.ToldOf(d)
}

// notices are what a person should be told of this pass: what changed from before to after, and the troubles that d found. A trouble that
// lasts is returned at every pass with the same key; senders of notices send each key once.
func notices(p *failover.Policy, before, after *failover.State, d *failover.Decision) []failover.Notice {
	var out []failover.Notice
	c := wording.CountsOf(d)
	short := missingLevel(p, after, d, &c, d.At) != Fine || threatened(&c)
	add := func(r failover.Reason, l Level, key, text string, do wording.Remedy) {
		out = append(out, failover.Notice{Reason: r, Severity: severityOf(l), Key: after.Workload + "/" + key, Text: text, Do: do.Do, Command: do.Command})
	}
	if before.Mode != after.Mode && before.Mode != failover.ModeUnknown {
		level := Covering
		if after.Mode == failover.ModeOnDemand {
			level = Warning
		}
		add(d.Reason, level, fmt.Sprintf("mode/%s/%d", after.Mode, after.ModeSince.Unix()), wording.ModeChange(after.Workload, before.Mode, d), wording.Remedy{})
	}
	for i := range d.Findings {
		f := &d.Findings[i]
		level, told := levelOf(f, after, d.At, short), threats[f.Reason] != ""
		switch {
		case f.Reason == failover.ReasonRestored, f.Reason == failover.ReasonSlowStarts:
			level, told = Fine, true
		case Momentary(f.Reason):
			level, told = Warning, true
		}
		if told {
			add(f.Reason, level, keyOf(f, d), wording.Finding(f), wording.RemedyOf(f, after.Workload))
		}
	}
	return out
}

func severityOf(l Level) failover.Severity {
	switch l {
	case Critical:
		return failover.Critical
	case Warning:
		return failover.Warning
	}
	return failover.Info
}

// keyOf groups the notices of one trouble: a moment has a key of its own, what lasts one for as long as it does.
func keyOf(f *failover.Finding, d *failover.Decision) string {
	name := string(f.Reason)
	switch f.Reason {
	case failover.ReasonTripCapacity, failover.ReasonTripInterruptions, failover.ReasonTripLate, failover.ReasonRampFailed:
		name = "trip"
	case failover.ReasonBudgetUsed:
		return fmt.Sprintf("budget_used/%s/%d", d.At.UTC().Format("2006-01"), budgetStep(f.Count))
	case failover.ReasonUnexpected: // once a row, wherever it is seen
		row, _, _ := strings.Cut(f.Detail, ":")
		return name + "/" + row
	case failover.ReasonDrift, failover.ReasonDiffers:
		return name + "/" + f.Pool + "/" + f.Detail
	}
	switch {
	case Momentary(f.Reason):
		return fmt.Sprintf("%s/%s/%d", name, f.Pool, d.At.Unix())
	case f.Pool == "":
		return name
	}
	return name + "/" + f.Pool
}

// budgetStep is the share that was passed: 50, 80 or 100 %.
func budgetStep(percent int) int {
	switch {
	case percent >= budgetLoud:
		return budgetLoud
	case percent >= budgetWarns:
		return budgetWarns
	case percent < 50:
		return 0
	}
	return 50
}
