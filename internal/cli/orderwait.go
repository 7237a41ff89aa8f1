package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/pulse"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// waitDefault is how long --wait waits unless told otherwise, waitEvery how long it pauses between two looks at the state.
	waitDefault = 30 * time.Minute
	waitEvery   = time.Second

	unseenText = "no pass has seen it yet"
)

// effectFacts say whether an order has taken effect.
type effectFacts struct {
	InEffect bool `json:"in_effect"`
	// AfterSeconds is how long that took, or how long it was waited for.
	AfterSeconds float64 `json:"after_seconds"`
	Text         string  `json:"text"`

	never bool // whatever is waited for
}

// lookedAt is what is known of a workload after an order.
type lookedAt struct {
	state    failover.State
	decision *failover.Decision // the newest that was made with the order; nil: none is known
	failures string             // what AWS refused of it
	passed   bool               // a pass came after the order, which decided nothing new
}

// effectOf says whether an order has taken effect: what it moves is in service where it moved to, anything else was seen by a pass. Notices
// go by the state, so what concerns them is in effect at once.
func effectOf(p *failover.Policy, in *failover.Intent, l lookedAt) effectFacts {
	to, moving := moves(in)
	switch {
	case in.Kind == failover.IntentSilence || in.Kind == failover.IntentUnsilence || in.Kind == failover.IntentAck:
		return effectFacts{InEffect: true, Text: "notices go by it from now on"}
	case !moving && (l.passed || l.decision != nil):
		return effectFacts{InEffect: true, Text: "a pass has seen it"}
	case l.decision == nil:
		return effectFacts{Text: unseenText}
	case l.state.Pause != nil:
		return effectFacts{Text: wording.Paused(l.state.Pause), never: true}
	case p.Observe:
		return effectFacts{Text: "the workload is only observed: nothing is changed", never: true}
	}
	d, serving, open := l.decision, 0, false
	for i := range d.Pools {
		v := &d.Pools[i]
		there := (v.Capacity == failover.Spot) == (to == failover.ModeSpot)
		if in.Kind == failover.IntentFailover && in.Pool != "" {
			there = v.Pool != in.Pool
		}
		if there {
			serving += v.InService.Low
		}
		if in.Kind == failover.IntentRestore && v.Capacity == failover.Spot && (in.Pool == "" || v.Pool == in.Pool) {
			open = open || v.Breaker != failover.Closed
		}
	}
	place := wording.Mode(to)
	if in.Kind == failover.IntentFailover && in.Pool != "" {
		place = "other pools than " + in.Pool
	}
	text := fmt.Sprintf("%d of %d in service on %s", min(serving, d.Demand), d.Demand, place)
	if l.failures != "" {
		text += "; " + l.failures
	}
	return effectFacts{InEffect: serving >= d.Demand && !open, Text: text}
}

// await waits until the orders have taken effect, and says so of each. What it returns says of which that is not so; they stand all the same.
func (o *intentOptions) await(ctx context.Context, s IO, store control.Store, orders []intentFacts) error {
	begun, line := time.Now(), &liveLine{s: s}
	open := len(orders)
	for i := range orders {
		orders[i].Effect = &effectFacts{Text: unseenText}
	}
	_, err := until(ctx, waitEvery, o.wait, func() (bool, error) {
		for i := range orders {
			f := &orders[i]
			if f.Effect.InEffect || f.Effect.never {
				continue
			}
			now := lookForEffect(ctx, store, f)
			if ctx.Err() != nil { // what was known before says more than a read that was cut off
				return false, ctx.Err()
			}
			now.AfterSeconds = time.Since(begun).Seconds()
			f.Effect = &now
			if !now.InEffect && !now.never {
				continue
			}
			open--
			if now.InEffect && o.output != outputJSON {
				line.clear()
				say(s.Out, "%s: in effect after %s: %s", f.Workload, wording.Span(time.Since(begun)), now.Text)
			}
		}
		line.say(waitingText(orders, time.Since(begun)))
		return open == 0, nil
	})
	line.clear()
	return unmet(orders, err, time.Since(begun))
}

// lookForEffect reads what is known of an order now. A store that cannot be read is waited for like anything else.
func lookForEffect(ctx context.Context, store control.Store, f *intentFacts) effectFacts {
	l, err := lookAfter(ctx, store, f)
	if err != nil {
		return effectFacts{Text: err.Error()}
	}
	return effectOf(&f.policy, &f.Intent, l)
}

func lookAfter(ctx context.Context, store control.Store, f *intentFacts) (l lookedAt, err error) {
	records, err := store.Load(ctx, []string{f.Workload})
	if err != nil {
		return l, fmt.Errorf("read state: %w", err)
	}
	l.state = records[f.Workload].State
	newest := seen{workload: config.Workload{Name: f.Workload}}
	if err := newest.read(ctx, store); err != nil {
		return l, fmt.Errorf("read journal: %w", err)
	}
	// A decision that changed nothing is recorded without a generation.
	if e := &newest.entry; e.Generation > f.Generation || e.Generation == 0 && e.At.After(f.Intent.At) {
		l.decision, l.failures = newest.decision, wording.Failures(newest.outcomes)
	}
	beats, err := pulse.Read(ctx, store)
	if err != nil {
		return l, err
	}
	// A sign of life says that the workload was passed within the last tick and a half.
	later := f.given.Add(forMax)
	look, ok := health.LookAt(beats, f.Workload, later)
	l.passed = ok && later.Add(-look.Age-look.Every*3/2).After(f.given)
	return l, nil
}

// waiting are the orders that have not taken effect.
func waiting(orders []intentFacts) []*intentFacts {
	var out []*intentFacts
	for i := range orders {
		if !orders[i].Effect.InEffect {
			out = append(out, &orders[i])
		}
	}
	return out
}

// waitingText says what is waited for, in a line.
func waitingText(orders []intentFacts, since time.Duration) string {
	left := waiting(orders)
	if len(left) == 0 {
		return ""
	}
	text := fmt.Sprintf("%s: %s", left[0].Workload, left[0].Effect.Text)
	if len(orders) > 1 {
		text = fmt.Sprintf("%d of %d in effect; %s", len(orders)-len(left), len(orders), text)
	}
	return fmt.Sprintf("waiting %s: %s", wording.Span(since), text)
}

// unmet is the error of the orders that have not taken effect; ended is the context's.
func unmet(orders []intentFacts, ended error, after time.Duration) error {
	left := waiting(orders)
	switch {
	case len(left) == 0 && ended == nil:
		return nil
	case ended != nil:
		text := fmt.Sprintf("interrupted after %s: %s", wording.Span(after), wording.Stands(len(orders)))
		if len(left) > 0 {
			text += "; not in effect yet: " + listed(left)
		}
		return &exitError{ExitFailed, errors.New(text)}
	}
	text := fmt.Sprintf("not in effect after %s: %s; %s", wording.Span(after), listed(left), wording.Stands(len(left)))
	if slices.ContainsFunc(left, func(f *intentFacts) bool { return f.Effect.Text == unseenText }) {
		text += "; " + wording.SilentRemedy.String()
	}
	return &exitError{ExitUnhealthy, errors.New(text)}
}

// listed names orders with what is known of them.
func listed(orders []*intentFacts) string {
	var all gathered
	for _, f := range orders {
		all.add(f.Workload, f.Effect.Text)
	}
	return strings.Join(all.lines(), ", ")
}
