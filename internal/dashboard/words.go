package dashboard

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// decisionWords says a decision in a line: what was done, and why.
func decisionWords(d *failover.Decision) string { return upperFirst(wording.Decision(d, false)) }

// noSeconds matches Go's way of writing whole minutes and hours: 15m0s, 1h0m0s, 1h30m0s.
var noSeconds = regexp.MustCompile(`\b((?:\d+h)?\d+m)0s\b`)

// tidy writes durations in a text as a person would: 15m, 1h.
func tidy(text string) string {
	return noSeconds.ReplaceAllStringFunc(text, func(m string) string {
		m = strings.TrimSuffix(m, "0s")
		if short, whole := strings.CutSuffix(m, "h0m"); whole {
			return short + "h"
		}
		return m
	})
}

// intentWords says an order in a line.
func intentWords(in *failover.Intent) string {
	text := string(in.Kind)
	switch in.Kind {
	case failover.IntentFailover:
		text = "Ordered: fail over to on-demand"
		if in.Pool != "" {
			text = "Ordered: fail over from " + in.Pool
		}
	case failover.IntentRestore:
		text = "Ordered: restore, let Spot prove itself"
	case failover.IntentPin:
		text = "Ordered: pin to " + modeWord(in.Mode)
	case failover.IntentUnpin:
		text = "Ordered: end the pin"
	case failover.IntentPause:
		text = "Ordered: pause, change nothing"
	case failover.IntentResume:
		text = "Ordered: resume, act again"
	case failover.IntentConfirm:
		text = "Confirmed: what a critical notice asked about is meant"
	case failover.IntentDemand:
		text = fmt.Sprintf("Ordered: %d tasks wanted", in.Demand)
	}
	if in.By != "" {
		text += " by " + in.By
	}
	if !in.Until.IsZero() {
		text += " until " + in.Until.UTC().Format("Jan 2 15:04")
	}
	if in.Note != "" {
		text += " (" + in.Note + ")"
	}
	return text
}

// outcomeWords says what failed of the actions of a decision; empty when nothing did.
func outcomeWords(outs []journal.Outcome) string {
	var parts []string
	for i := range outs {
		switch o := &outs[i]; {
		case o.Skipped:
			parts = append(parts, journal.Text(o.Action)+" was not tried")
		case !o.Done():
			parts = append(parts, journal.Text(o.Action)+" failed: "+o.Text)
		}
	}
	return upperFirst(strings.Join(parts, "; "))
}

func modeWord(m failover.Mode) string {
	switch m {
	case failover.ModeSpot:
		return "Spot"
	case failover.ModeOnDemand:
		return "on-demand"
	case failover.ModeMixed:
		return "mixed"
	}
	return "unknown"
}

// span says a duration as people say it: 40 s, 12 min, 3 h 5 min, 4 d.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(max(d, 0).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
