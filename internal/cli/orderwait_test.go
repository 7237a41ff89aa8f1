package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

func decided(pools ...failover.PoolDecision) *failover.Decision {
	return &failover.Decision{Demand: 10, Pools: pools}
}

func pooled(name string, c failover.Capacity, low int, mode failover.BreakerMode) failover.PoolDecision {
	return failover.PoolDecision{Pool: name, Capacity: c, Breaker: mode, InService: failover.Range{Low: low, High: low + 1}}
}

// TestWhenAnOrderHasTakenEffect: what moves must be in service where it moved to, whatever else runs.
func TestWhenAnOrderHasTakenEffect(t *testing.T) {
	spot, onDemand := failover.Spot, failover.OnDemand
	var paused failover.State
	paused.Pause = &failover.Pause{By: "ann"}
	for _, c := range []struct {
		name  string
		in    failover.Intent
		l     lookedAt
		want  bool
		never bool
		says  string
	}{
		{"nothing was seen of a failover", failover.Intent{Kind: failover.IntentFailover}, lookedAt{}, false, false, "no pass has seen it yet"},
		{"a pass that decided nothing new shows no move", failover.Intent{Kind: failover.IntentFailover}, lookedAt{passed: true}, false, false, "no pass has seen it yet"},
		{"cover is on its way", failover.Intent{Kind: failover.IntentFailover}, lookedAt{decision: decided(pooled("a", spot, 10, failover.Open), pooled("b", onDemand, 4, failover.Closed))}, false, false, "4 of 10 in service on on-demand"},
		{"cover serves, and Spot is going", failover.Intent{Kind: failover.IntentFailover}, lookedAt{decision: decided(pooled("a", spot, 3, failover.Open), pooled("b", onDemand, 10, failover.Closed))}, true, false, "10 of 10 in service on on-demand"},
		{"one pool of two is left", failover.Intent{Kind: failover.IntentFailover, Pool: "a"}, lookedAt{decision: decided(pooled("a", spot, 0, failover.Open), pooled("b", spot, 7, failover.Closed), pooled("c", onDemand, 3, failover.Closed))}, true, false, "10 of 10 in service on other pools than a"},
		{"the pool that is left still counts for nothing", failover.Intent{Kind: failover.IntentFailover, Pool: "a"}, lookedAt{decision: decided(pooled("a", spot, 5, failover.Open), pooled("b", spot, 7, failover.Closed))}, false, false, "7 of 10"},
		{"Spot serves, but is on trial", failover.Intent{Kind: failover.IntentRestore}, lookedAt{decision: decided(pooled("a", spot, 10, failover.HalfOpen), pooled("b", onDemand, 10, failover.Closed))}, false, false, "10 of 10 in service on Spot"},
		{"Spot serves again", failover.Intent{Kind: failover.IntentRestore}, lookedAt{decision: decided(pooled("a", spot, 10, failover.Closed), pooled("b", onDemand, 0, failover.Closed))}, true, false, ""},
		{"pinned to Spot, which has no room", failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeSpot}, lookedAt{decision: decided(pooled("a", spot, 9, failover.Closed))}, false, false, "9 of 10 in service on Spot"},
		{"a paused workload moves nowhere", failover.Intent{Kind: failover.IntentFailover}, lookedAt{state: paused, decision: decided()}, false, true, "paused by ann"},
		{"a pause needs a pass", failover.Intent{Kind: failover.IntentPause}, lookedAt{state: paused}, false, false, "no pass has seen it yet"},
		{"a pass has seen a pause", failover.Intent{Kind: failover.IntentPause}, lookedAt{state: paused, passed: true}, true, false, ""},
		{"a silence needs none", failover.Intent{Kind: failover.IntentSilence}, lookedAt{}, true, false, "notices"},
	} {
		got := effectOf(&failover.Policy{}, &c.in, c.l)
		if got.InEffect != c.want || got.never != c.never || !strings.Contains(got.Text, c.says) {
			t.Errorf("%s: got %+v, want in effect %t, never %t, %q", c.name, got, c.want, c.never, c.says)
		}
	}
	observed := effectOf(&failover.Policy{Observe: true}, &failover.Intent{Kind: failover.IntentFailover}, lookedAt{decision: decided()})
	if observed.InEffect || !observed.never {
		t.Errorf("observed: %+v", observed)
	}
}

// TestTheEndOfWaitingSaysWhatStands: the exit code says whether the order has taken effect, an interruption that it stands.
func TestTheEndOfWaitingSaysWhatStands(t *testing.T) {
	met, unseen, under := &effectFacts{InEffect: true}, &effectFacts{Text: unseenText}, &effectFacts{Text: "4 of 6 in service on on-demand"}
	orders := func(effects ...*effectFacts) (out []intentFacts) {
		for i, e := range effects {
			out = append(out, intentFacts{Workload: string(rune('a' + i)), Effect: e})
		}
		return out
	}
	for _, c := range []struct {
		name   string
		orders []intentFacts
		ended  error
		code   int
		says   []string
	}{
		{"all", orders(met, met), nil, ExitDone, nil},
		{"one not", orders(met, under), nil, ExitUnhealthy, []string{"not in effect after 2m: b: 4 of 6 in service on on-demand; the order stands"}},
		{"nobody looks", orders(unseen, unseen), nil, ExitUnhealthy, []string{"2 workloads (a, b): no pass has seen it yet; the 2 orders stand", "backstop run"}},
		{"interrupted", orders(met, under), context.Canceled, ExitFailed, []string{"interrupted after 2m: the 2 orders stand; not in effect yet: b"}},
	} {
		err := unmet(c.orders, c.ended, 2*time.Minute)
		if got := codeOf(err); got != c.code {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.code)
		}
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q", c.name, err, part)
			}
		}
	}
}

// TestWaitingEnds: at once, after some looks, at the limit, with the context.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			after, want time.Duration
			done        bool
		}{{0, 0, true}, {1500 * time.Millisecond, 2 * time.Second, true}, {time.Hour, 10 * time.Second, false}} {
			begun := time.Now()
			done, err := until(t.Context(), time.Second, 10*time.Second, func() (bool, error) { return time.Since(begun) >= c.after, nil })
			if took := time.Since(begun); done != c.done || err != nil || took != c.want {
				t.Errorf("after %s: %t, %v, took %s; want %t and %s", c.after, done, err, took, c.done, c.want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if done, err := until(ctx, time.Minute, time.Hour, func() (bool, error) { return false, nil }); done || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %t, %v", done, err)
		}
	})
}

func TestTheWorseErrorSetsTheExitCode(t *testing.T) {
	late, refused, failed := &exitError{ExitUnhealthy, errors.New("late")}, refuse("refused"), errors.New("failed")
	for _, c := range []struct {
		a, b error
		want int
	}{{nil, nil, ExitDone}, {late, nil, ExitUnhealthy}, {late, refused, ExitRefused}, {refused, late, ExitRefused}, {failed, refused, ExitFailed}, {late, failed, ExitFailed}} {
		err := worse(c.a, c.b)
		if err == nil && c.want == ExitDone {
			continue
		}
		if got := codeOf(ranError{err}); got != c.want {
			t.Errorf("%v and %v: exit code %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestWhatIsAlikeIsSaidOnce(t *testing.T) {
	var g gathered
	for _, name := range []string{"a", "b", "c", "d"} {
		g.add(name, "it is paused")
	}
	g.add("e", "it is pinned")
	if got := strings.Join(g.lines(), "; "); got != "4 workloads (a, b, c and 1 more): it is paused; e: it is pinned" {
		t.Error(got)
	}
}

// TestTheProgressIsForTerminals: a pipe gets nothing of it, and a terminal a line no wider than itself that is taken away.
func TestTheProgressIsForTerminals(t *testing.T) {
	s, _, errs := testIO("")
	line := &liveLine{s: s}
	line.say("waiting")
	line.clear()
	if errs.Len() > 0 {
		t.Errorf("a pipe got %q", errs)
	}
	s.ErrTerminal, s.Width = true, 20
	line = &liveLine{s: s}
	line.say(wording.UpperFirst("waiting for very many workloads"))
	line.clear()
	if got, want := errs.String(), "\r\x1b[KWaiting for very m…\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
