package failover

import (
	"slices"
	"time"
)

// Asked is the last desired count that was decided for a pool, kept so that our own write, not yet visible,
// is not taken for somebody else's. It is a value: its methods return a new one. A nil Asked is a pool that was
// never asked for anything.
type Asked struct {
	Count int       `json:"count"`
	At    time.Time `json:"at"`
	// Done is set once the call that asks for Count was answered with success.
	Done bool `json:"done,omitempty"`
	// Seen is set once an observation has shown Count.
	Seen bool `json:"seen,omitempty"`
	// Old are the counts that a stale read may still show, with the moment they were superseded.
	Old []OldCount `json:"old,omitempty"`
}

// OldCount is a desired count that was superseded by ours at At.
type OldCount struct {
	Count int       `json:"count"`
	At    time.Time `json:"at"`
}

// reading is a desired count as it was read: when, and how old what it shows may be.
type reading struct {
	count int
	at    time.Time
	lag   time.Duration
}

// lateFor is how long after it was replaced by another a call that was cut off may still take effect, with room to spare
// (control.ActTimeout).
const lateFor = 10 * time.Second

// oldCountsMax bounds how many superseded counts a stale read may be recognised by.
const oldCountsMax = 8

// theirs reports whether the count is someone else's will: neither ours nor one that a stale read may still show.
func (a *Asked) theirs(r reading) bool {
	if a == nil {
		return true
	}
	if r.count == a.Count {
		return false
	}
	return !slices.ContainsFunc(a.Old, func(o OldCount) bool { return o.Count == r.count && (!a.Seen || r.at.Sub(o.At) < r.lag) })
}

// ask records a count that is about to be asked for, with every count that a stale read may show meanwhile.
func (a *Asked) ask(count int, r reading) *Asked {
	var old []OldCount
	if a != nil {
		if a.Count == count && r.count != count {
			// The same count again: it was not done, is not seen yet, or someone has overruled it.
			old = slices.Clone(a.Old)
		} else {
			for _, o := range a.Old {
				// One entry a count: two that take turns must not push a third out that a read may still show.
				if r.at.Sub(o.At) < r.lag && (o.Count != a.Count || a.Count == count) {
					old = append(old, o)
				}
			}
			if a.Count != count {
				old = append(old, OldCount{Count: a.Count, At: r.at})
			}
		}
	}
	if !superseded(old, r.count) {
		old = append(old, OldCount{Count: r.count, At: r.at})
	}
	return &Asked{Count: count, At: r.at, Old: old[max(0, len(old)-oldCountsMax):]}
}

// shown marks a count of ours that the reading shows, and forgets the counts that no read can show any more.
func (a *Asked) shown(r reading) *Asked {
	if a == nil || r.count != a.Count || (a.unseen(r) && superseded(a.Old, a.Count)) {
		return a // a stale read of an older, equal count looks the same
	}
	old := a.Old
	for len(old) > 0 && r.at.Sub(old[0].At) >= r.lag {
		old = old[1:]
	}
	if a.Seen && len(old) == len(a.Old) {
		return a
	}
	return &Asked{Count: a.Count, At: a.At, Done: true, Seen: true, Old: old}
}

// yield is what is kept of our own count when someone else's has taken its place: a call of ours that was cut off
// may take effect yet, and must not be taken for their next will.
func (a *Asked) yield(r reading) *Asked {
	if a == nil {
		return nil
	}
	var old []OldCount
	for _, o := range a.Old {
		if r.at.Sub(o.At) < lateFor && o.Count != r.count {
			old = append(old, o)
		}
	}
	if (!a.Done || !a.Seen) && r.at.Sub(a.At) < r.lag {
		old = append(old, OldCount{Count: a.Count, At: r.at})
	}
	if len(old) == 0 {
		return nil
	}
	return &Asked{Count: r.count, At: r.at, Done: true, Seen: true, Old: old}
}

// inForce is the count that the pool is asked for: ours, where it was accepted and the reading shows one that it replaced;
// else the reading, which is newer than ours.
func (a *Asked) inForce(r reading) int {
	if a != nil && a.Done && !a.Seen && r.at.Sub(a.At) < r.lag && superseded(a.Old, r.count) {
		return a.Count
	}
	return r.count
}

// unseen reports whether a count was asked for so lately that a read need not show it yet.
func (a *Asked) unseen(r reading) bool { return a != nil && !a.Seen && r.at.Sub(a.At) < r.lag }

func superseded(old []OldCount, count int) bool {
	return slices.ContainsFunc(old, func(o OldCount) bool { return o.Count == count })
}
