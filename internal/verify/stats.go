package verify

import (
	"math"
	"slices"
)

// quantile returns the q-quantile (0..1) of values, interpolated; NaN for none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// common estimates the share of the variance (0..1) that the values of one group have in common: the intraclass correlation of a one-way
// analysis of variance. ok is false where there are too few values to
// tell, or where nothing varies.
func common(groups [][]float64) (share float64, ok bool) {
	var means []float64
	total, n := 0.0, 0
	for _, g := range groups {
		if len(g) > 1 {
			means = append(means, mean(g))
			total += mean(g) * float64(len(g))
			n += len(g)
		}
	}
	if len(means) < groupsLeast || n-len(means) < freedomLeast {
		return 0, false
	}
	all := total / float64(n)
	between, within, i := 0.0, 0.0, 0
	for _, g := range groups {
		if len(g) < 2 {
			continue
		}
		between += float64(len(g)) * (means[i] - all) * (means[i] - all)
		for _, v := range g {
			within += (v - means[i]) * (v - means[i])
		}
		i++
	}
	between /= float64(len(means) - 1)
	within /= float64(n - len(means))
	size := float64(n) / float64(len(means))
	if sum := between + (size-1)*within; sum > 0 {
		return max(0, (between-within)/sum), true
	}
	return 0, false
}

// groupsLeast is the fewest groups, and freedomLeast the fewest values beyond one a group, that tell whether groups differ more than their
// values.
const groupsLeast, freedomLeast = 5, 20
