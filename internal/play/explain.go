package play

import (
	"errors"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Explained is why a decision was made, in the words of `backstop explain`.
type Explained struct {
	At         float64  `json:"at"` // seconds
	Text       string   `json:"text"`
	Reason     string   `json:"reason"`
	ReasonText string   `json:"reason_text"`
	Seen       string   `json:"seen"`
	Pools      []Pool   `json:"pools"`
	Because    []string `json:"because"`
	Next       []Next   `json:"next"`
}

// Pool is what was seen of a pool and what it is asked for, in tasks.
type Pool struct {
	Pool      string   `json:"pool"`
	Capacity  string   `json:"capacity"`
	Desired   int      `json:"desired"` // in ECS, before the decision
	InService string   `json:"in_service"`
	Warming   int      `json:"warming"`
	Placed    int      `json:"placed"`
	Leaving   int      `json:"leaving"`
	Target    int      `json:"target"`
	Breaker   string   `json:"breaker"`
	Lines     []string `json:"lines"`
}

// Next is a condition on which the next decision would be another one.
type Next struct {
	At   float64 `json:"at"` // seconds; below 0 where it is bound to no moment
	If   string  `json:"if"`
	Then string  `json:"then"`
}

// explained plays the run again up to the decision: that takes no longer than the run did, and nothing has to be kept for it.
func explained(run replay.Run, q Question) (*Explained, error) {
	var err error
	if run.Policy, err = replay.ByName(q.Policy); err != nil {
		return nil, err
	}
	if run.Policy.Law == nil {
		return nil, fmt.Errorf("%s is a rule that gives no reasons: %s", run.Policy.Name, run.Policy.Doc)
	}
	until := *run.Trace
	until.Duration = min(until.Duration, seconds(q.At)+time.Second)
	run.Trace = &until
	var out *Explained
	stop, made := run.Stop, 0
	run.Stop = func() bool { return out != nil || stop != nil && stop() }
	run.Passed = func(_, after *failover.State, d *failover.Decision) {
		if len(d.Actions) == 0 || d.At.Before(replay.Epoch) {
			return
		}
		if made == q.Choice {
			out = explain(run.Policy, after, d)
		}
		made++
	}
	if _, err := replay.Simulate(run); err != nil && !(out != nil && errors.Is(err, replay.ErrStopped)) {
		return nil, err
	}
	if out == nil {
		return nil, fmt.Errorf("there are %d decisions until %s, and not %d", made, wording.Span(until.Duration), q.Choice+1)
	}
	return out, nil
}

func explain(policy replay.Policy, after *failover.State, d *failover.Decision) *Explained {
	out := &Explained{At: rounded(d.At.Sub(replay.Epoch)), Text: wording.Decision(d, false), Reason: string(d.Reason), ReasonText: wording.Reason(d.Reason),
		Seen: wording.Seen(d), Because: []string{}, Next: []Next{}}
	for i := range d.Pools {
		p := &d.Pools[i]
		out.Pools = append(out.Pools, Pool{Pool: p.Pool, Capacity: string(p.Capacity), Desired: p.Desired, InService: p.InService.String(), Warming: p.Warming, Placed: p.Placed,
			Leaving: p.Leaving, Target: p.Ask, Breaker: p.Breaker.String(), Lines: append([]string{}, wording.PoolLines(p)...)})
	}
	for i := range d.Findings {
		out.Because = append(out.Because, wording.UpperFirst(wording.Finding(&d.Findings[i])))
	}
	for _, c := range wording.Next(lawOf(policy, d), after, d) {
		at := -1.0
		if !c.At.IsZero() {
			at = rounded(c.At.Sub(replay.Epoch))
		}
		out.Next = append(out.Next, Next{At: at, If: c.If, Then: c.Then})
	}
	return out
}

// lawOf is the product's policy with the pools of a decision, as the words need it.
func lawOf(p replay.Policy, d *failover.Decision) *failover.Policy {
	law := *p.Law
	law.Pools = nil
	for i := range d.Pools {
		law.Pools = append(law.Pools, failover.Pool{Name: d.Pools[i].Pool, Capacity: d.Pools[i].Capacity})
	}
	return &law
}
