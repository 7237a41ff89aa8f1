package failover

import (
	"math"
	"slices"
	"time"
)

// Spread is a distribution of durations that was learned: a histogram whose weights halve every seven days.
// It is a value; with returns a new one.
type Spread struct {
	At time.Time `json:"at,omitzero"`
	// Weights of the buckets; bucket i holds durations up to spreadLow x spreadRatio^i.
	Weights []float64 `json:"weights,omitempty"`
}

const (
	spreadLow     = 2.0 // seconds, the end of the first bucket
	spreadRatio   = 1.12
	spreadBuckets = 68 // up to about 75 minutes
	spreadHalf    = 7 * 24 * time.Hour
	// samplesMin is how many samples a distribution needs before anything is concluded from it.
	samplesMin = 20
	// limitMargin and limitGrowth bound a learned limit: 1.3 x P99, at most three times the configured value.
	limitMargin = 1.3
	limitGrowth = 3
)

func bucketOf(d time.Duration) int {
	if d.Seconds() <= spreadLow {
		return 0
	}
	return min(spreadBuckets-1, int(math.Ceil(math.Log(d.Seconds()/spreadLow)/math.Log(spreadRatio)-1e-9)))
}

// with returns the spread with more samples, taken at a moment.
func (s Spread) with(at time.Time, samples ...time.Duration) Spread {
	if len(samples) == 0 {
		return s
	}
	next := Spread{At: at, Weights: make([]float64, spreadBuckets)}
	keep := 1.0
	if at.After(s.At) && !s.At.IsZero() {
		keep = math.Exp2(-at.Sub(s.At).Seconds() / spreadHalf.Seconds())
	}
	for i, w := range s.Weights {
		if i < spreadBuckets && w*keep > 1e-3 {
			next.Weights[i] = w * keep
		}
	}
	for _, d := range samples {
		next.Weights[bucketOf(d)]++
	}
	return next
}

// total is the weight of all samples.
func (s Spread) total() (n float64) {
	for _, w := range s.Weights {
		n += w
	}
	return n
}

// Quantile returns the duration that a share q of the samples did not exceed, and false while they are too few.
func (s Spread) Quantile(q float64) (time.Duration, bool) {
	n := s.total()
	if n < samplesMin-0.5 {
		return 0, false
	}
	sum := 0.0
	for i, w := range s.Weights {
		if sum += w; sum >= q*n-1e-9 {
			return time.Duration(spreadLow * math.Pow(spreadRatio, float64(i)) * float64(time.Second)), true
		}
	}
	return 0, false
}

// or is the spread, or another one while its own samples are too few: cover is seldom started but in a gap, where nothing normal can be
// learned, and its tasks are copies of the owner's.
func (s Spread) or(other Spread) Spread {
	if s.total() < samplesMin-0.5 {
		return other
	}
	return s
}

// within returns the share of the samples that took at most d, and false while they are too few.
func (s Spread) within(d time.Duration) (float64, bool) {
	n := s.total()
	if n < samplesMin-0.5 {
		return 0, false
	}
	sum, last := 0.0, bucketOf(d)
	for i := range min(last, len(s.Weights)) {
		sum += s.Weights[i]
	}
	if last < len(s.Weights) { // of the bucket that it falls into, the part below it
		high := spreadLow * math.Pow(spreadRatio, float64(last))
		sum += s.Weights[last] * clamp((d.Seconds()-high/spreadRatio)/(high-high/spreadRatio), 0, 1)
	}
	return sum / n, true
}

// limit returns how long something may take: what is configured, or more where it is known to take longer.
func (s Spread) limit(configured time.Duration) time.Duration {
	p99, ok := s.Quantile(0.99)
	if !ok {
		return configured
	}
	return min(max(configured, time.Duration(limitMargin*float64(p99))), limitGrowth*configured)
}

// learnPool returns what is known of a pool after this look: its counts, and how long its tasks take to start and to come into
// service. Starts in a gap, and those of which the look cannot tell when they ended, say nothing about the normal case.
func learnPool(p *Policy, was PoolSeen, po *PoolObservation, k *Known, now time.Time, gap *Gap, failed time.Time) PoolSeen {
	next := was
	next.Held = po.HeldDemand
	next.At, next.Desired, next.InService, next.Coming = now, po.Desired, k.InService.High, k.Warming+k.Placed+k.Provisioning
	if k.whole() {
		next.WholeAt = now
	}
	short := 10*k.InService.Low < 9*k.Desired
	if short {
		next.ShortAt = now
	}
	trouble := later(was.ReclaimsAt, failed)
	normal := func(t *Task) bool {
		switch {
		case gap == nil:
			return true
		case !short && was.WholeAt.After(was.ShortAt) && t.CreatedAt.After(was.ShortAt):
			return true // it has the pool to itself: one task was replaced in an otherwise whole pool
		}
		// It was created before the gap and for no loss: it began the gap itself, by being slow.
		return t.CreatedAt.Before(gap.Since) && trouble.Before(t.CreatedAt.Add(-noticedFor))
	}
	if !po.Listed {
		return next
	}
	var start, warm, serve []time.Duration
	next.NotYet = nil
	first := was.At.IsZero()
	var oldest time.Time // of those that were waiting
	for i := range was.NotYet {
		oldest = sooner(oldest, was.NotYet[i].StartedAt)
	}
	for i := range po.Tasks {
		t := &po.Tasks[i]
		if t.Phase != Running {
			if age := now.Sub(t.CreatedAt); t.Phase != Leaving && !first && normal(t) && age >= k.StartLimit && was.At.Sub(t.CreatedAt) < k.StartLimit {
				start = append(start, age) // it is stuck: it counts at its age
			}
			continue
		}
		fresh := t.StartedAt.After(was.At) && !first
		if fresh && normal(t) {
			start = append(start, t.StartedAt.Sub(t.CreatedAt))
		}
		if !po.HealthBased {
			if fresh {
				serve = append(serve, t.StartedAt.Sub(t.CreatedAt)+p.ReadyAfter)
			}
			continue
		}
		switch waiting := !t.StartedAt.Before(oldest) && !was.served(t); {
		case t.Health == HealthUnread && waiting, t.Health == HealthNotReady && waiting:
			if next.NotYet == nil {
				next.NotYet = make([]Waiting, 0, min(k.Warming+k.LateWarming+1, waitingMax))
			}
			if len(next.NotYet) < waitingMax {
				next.NotYet = append(next.NotYet, Waiting{ID: t.ID, StartedAt: t.StartedAt})
			}
		case waiting && !first:
			if normal(t) {
				warm = append(warm, now.Sub(t.StartedAt))
			}
			serve = append(serve, now.Sub(t.CreatedAt))
		}
	}
	if po.HealthBased {
		next.ServedTo = now
	}
	if po.Deploying && slices.ContainsFunc(po.Revisions, func(r Revision) bool { return r.Share < 1 }) {
		warm, serve = nil, nil // it waits for traffic, not for the application
	}
	next.Start, next.Warm = was.Start.with(now, start...), was.Warm.with(now, warm...)
	next.Serve = was.Serve.with(now, serve...)
	return next
}

// served reports whether a task that is RUNNING has been in service before, as far as was seen. Without any look it is taken
// to have been: that it is unhealthy then is the application's matter.
func (s *PoolSeen) served(t *Task) bool {
	to := s.ServedTo
	if to.IsZero() {
		to = s.At
	}
	if to.IsZero() {
		return true
	}
	if t.StartedAt.After(to) {
		return false
	}
	for i := range s.NotYet {
		if w := &s.NotYet[i]; w.StartedAt.Equal(t.StartedAt) && w.ID == t.ID {
			return false
		}
	}
	return true
}

// learnLoss returns what is known of a pool after one more interruption.
func learnLoss(s PoolSeen, at time.Time) PoolSeen {
	s.Reclaims = decayed(s.Reclaims, s.ReclaimsAt, at, reclaimMemory) + 1
	if at.After(s.ReclaimsAt) {
		s.ReclaimsAt = at
	}
	return s
}

// learnWarned returns what is known of a pool after an interrupted task has ended: how long it worked on after the warning.
func learnWarned(s PoolSeen, worked time.Duration) PoolSeen {
	const weight = 0.2 // a moving mean over about the last five
	seconds := max(0.1, worked.Seconds())
	if s.WarnedSeconds == 0 {
		s.WarnedSeconds = seconds
	} else {
		s.WarnedSeconds += weight * (seconds - s.WarnedSeconds)
	}
	return s
}

// decayed is a count that halves with every memory/4 that has passed since it was taken: after the memory a
// sixteenth is left.
func decayed(count float64, since, now time.Time, memory time.Duration) float64 {
	if count == 0 || memory <= 0 || !now.After(since) {
		return count
	}
	return count * math.Exp2(-4*now.Sub(since).Seconds()/memory.Seconds())
}
