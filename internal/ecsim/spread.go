package ecsim

import (
	"math"
	"time"
)

// Standard normal quantiles of 95 % and 99 %, and the cut of the tails: beyond it lie 6 starts in 100,000.
const (
	z95   = 1.6448536269514722
	z99   = 2.3263478740408408
	zTail = 4.0
)

// spread is a shifted lognormal distribution of durations in seconds: shift + scale * exp(sigma * z) for a standard normal z.
type spread struct{ shift, scale, sigma float64 }

// fitSpread returns the spread through three percentiles. Two numbers fix a lognormal, three a shifted one: the shift is found by
// bisection. Percentiles less skewed than a normal distribution have no solution; then P50 and P95 hold and P99 comes out near the normal's.
func fitSpread(p50, p95, p99 time.Duration) spread {
	a, b, c := p50.Seconds(), p95.Seconds(), p99.Seconds()
	if b <= a {
		return spread{scale: a}
	}
	if c <= b {
		return spread{scale: a, sigma: math.Log(b/a) / z95}
	}
	sigmas := func(shift float64) (from95, from99 float64) {
		return math.Log((b-shift)/(a-shift)) / z95, math.Log((c-shift)/(a-shift)) / z99
	}
	low, high := -100*a, a*(1-1e-9)
	for range 200 {
		mid := (low + high) / 2
		if from95, from99 := sigmas(mid); from95 < from99 {
			low = mid
		} else {
			high = mid
		}
	}
	s := (low + high) / 2
	sigma, _ := sigmas(s)
	return spread{shift: s, scale: a - s, sigma: sigma}
}

// longest bounds what a wild spread may draw, in seconds: a day.
const longest = 24 * 60 * 60.0

// at returns the duration at normal score z, never negative.
func (s spread) at(z float64) time.Duration {
	if s.sigma == 0 {
		return seconds(s.shift + s.scale)
	}
	z = max(-zTail, min(zTail, z))
	return seconds(max(0, min(longest, s.shift+s.scale*math.Exp(s.sigma*z))))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// delay returns the nth wait (from 1) of a back-off.
func (b Backoff) delay(n int) time.Duration {
	d := float64(b.First) * math.Pow(max(1, b.Factor), float64(min(n, maxDoublings)-1))
	return time.Duration(min(d, float64(max(b.Max, b.First))))
}

// maxDoublings keeps a back-off's power finite; every sensible back-off has reached its maximum before.
const maxDoublings = 64
