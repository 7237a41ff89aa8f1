package wording

import (
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Order says an order, who gave it and until when it holds: "pin to on-demand by ann until 2026-11-02 20:00:00Z (game day)".
func Order(in *failover.Intent) string {
	text, effect := string(in.Kind), ""
	switch in.Kind {
	case failover.IntentFailover:
		text = "fail over to on-demand"
		if in.Pool != "" {
			text = "fail over from " + in.Pool
		}
	case failover.IntentRestore:
		text, effect = "restore", "Spot proves itself and ramps up"
		if in.Pool != "" {
			text, effect = "restore "+in.Pool, "it proves itself and ramps up"
		}
	case failover.IntentPin:
		text = "pin to " + Mode(in.Mode)
	case failover.IntentUnpin:
		text = "end the pin"
	case failover.IntentPause:
		effect = "decisions are recorded, nothing is changed"
	case failover.IntentResume:
		effect = "decisions are carried out again"
	case failover.IntentDemand:
		text = fmt.Sprintf("set the demand to %d", in.Demand)
	case failover.IntentSilence:
		text, effect = "silence", "no notices are sent; what lasts is told at the end"
	case failover.IntentUnsilence:
		text, effect = "end the silence", "notices are sent again"
	case failover.IntentAck:
		text, effect = "acknowledge", "what is wrong now is not told again, unless it becomes worse"
	case failover.IntentConfirm:
		effect = "the change that a critical notice asks about is intended"
	}
	text += Given(in.By, in.Note, in.Until)
	if effect != "" {
		text += ": " + effect
	}
	return text
}

// Given says who gave an order, why, and until when it holds.
func Given(by, note string, until time.Time) string {
	var b strings.Builder
	if by != "" {
		b.WriteString(" by " + by)
	}
	if !until.IsZero() {
		b.WriteString(" until " + Moment(until))
	}
	if note != "" {
		b.WriteString(" (" + note + ")")
	}
	return b.String()
}

// Stands says that orders hold though nobody waits for them any more.
func Stands(n int) string {
	if n == 1 {
		return "the order stands"
	}
	return fmt.Sprintf("the %d orders stand", n)
}

// Pinned and Paused say an order that holds.
func Pinned(p *failover.Pin) string {
	return "pinned to " + Mode(p.Mode) + Given(p.By, p.Note, p.Until)
}

// Silenced says that no notices are sent.
func Silenced(p *failover.Pause) string { return "silenced" + Given(p.By, p.Note, p.Until) }

// Paused says that nothing is changed.
func Paused(p *failover.Pause) string {
	return "paused" + Given(p.By, p.Note, p.Until) + ": nothing is changed"
}

// Breaker says that a breaker is not closed, since when and why, and from when on its pool may be tried again.
func Breaker(pool string, b *failover.Breaker) string {
	if b.Manual {
		return FailedOver(pool, b)
	}
	text := fmt.Sprintf("the breaker of %s is %s%s", pool, strings.ReplaceAll(b.Mode.String(), "_", "-"), since(b.Since))
	if b.Why != "" {
		text += ": " + strings.TrimSuffix(LowerFirst(strings.TrimPrefix(Reason(failover.Reason(b.Why)), "The breaker opened: ")), ".")
	}
	if !b.NotBefore.IsZero() {
		text += "; it may be tried again from " + Clock(b.NotBefore) + " on"
	}
	return text
}

// FailedOver says an order to leave a pool that holds.
func FailedOver(pool string, b *failover.Breaker) string {
	return pool + " is failed over" + Given(b.By, b.Note, b.Until)
}

// Mode says what a workload runs on.
func Mode(m failover.Mode) string {
	switch m {
	case failover.ModeSpot:
		return "Spot"
	case failover.ModeOnDemand:
		return "on-demand"
	case failover.ModeMixed:
		return "Spot and on-demand"
	}
	return "unknown"
}

// ModeChange says that a decision changed what a workload runs on.
func ModeChange(workload string, before failover.Mode, d *failover.Decision) string {
	return fmt.Sprintf("%s went from %s to %s: %s of %d in service", workload, Mode(before), Mode(d.Mode), d.InService, d.Demand)
}
