package failover

import (
	"slices"
	"time"
)

// SameState says whether b differs from a in nothing that is worth a journal entry: the moment of the last
// look and the month's on-demand use so far are not, nor how many tasks a look found present: whatever changes that for long changes more. Whoever keeps states writes them now and then all the same.
//
// It is asked at every pass of every workload, mostly about a state and its copy, so it compares by hand; a test changes
// every field of a state in turn and looks whether it is noticed.
func SameState(a, b State) bool {
	if b.Spend.Month != a.Spend.Month && a.Spend.Month != "" {
		return false
	}
	return a.Version == b.Version && a.Workload == b.Workload && a.Mode == b.Mode && a.ModeSince.Equal(b.ModeSince) &&
		a.Demand == b.Demand && a.DemandSet == b.DemandSet && a.DemandWanted == b.DemandWanted && a.Owner == b.Owner &&
		a.ShortSince.Equal(b.ShortSince) && a.DriftSince.Equal(b.DriftSince) && a.BlindSince.Equal(b.BlindSince) &&
		samePointer(a.Pin, b.Pin, func(x, y *Pin) bool {
			return x.Mode == y.Mode && x.By == y.By && x.Note == y.Note && x.Since.Equal(y.Since) && x.Until.Equal(y.Until)
		}) &&
		samePointer(a.Pause, b.Pause, func(x, y *Pause) bool {
			return x.By == y.By && x.Note == y.Note && x.Since.Equal(y.Since) && x.Until.Equal(y.Until)
		}) &&
		slices.EqualFunc(a.Failovers, b.Failovers, time.Time.Equal) &&
		slices.EqualFunc(a.DemandLog, b.DemandLog, func(x, y DemandChange) bool {
			return x.From == y.From && x.To == y.To && x.At.Equal(y.At)
		}) &&
		slices.EqualFunc(a.Window, b.Window, sameEvidence) &&
		samePointer(a.Forecast, b.Forecast, sameForecast) &&
		sameEach(a.Pools, b.Pools, samePool)
}

func samePointer[T any](a, b *T, same func(a, b *T) bool) bool {
	return a == b || (a != nil && b != nil && same(a, b))
}

// sameEach is slices.EqualFunc without copies of what is compared.
func sameEach[T any](a, b []T, same func(a, b *T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !same(&a[i], &b[i]) {
			return false
		}
	}
	return true
}

func sameEvidence(a, b Evidence) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Pool == b.Pool && a.Zone == b.Zone && a.At.Equal(b.At) && a.StartedAt.Equal(b.StartedAt)
}

func sameForecast(a, b *Forecast) bool {
	return a.Incidents == b.Incidents && a.Followed == b.Followed && a.Since.Equal(b.Since) && a.Began.Equal(b.Began) &&
		a.Last.Equal(b.Last) && slices.Equal(a.Hours, b.Hours) && slices.Equal(a.Sizes, b.Sizes)
}

func samePool(a, b *PoolState) bool {
	return a.Name == b.Name && a.Need == b.Need && a.Warm == b.Warm && a.Reclaims == b.Reclaims && a.LifeSeconds == b.LifeSeconds &&
		a.RefusedSince.Equal(b.RefusedSince) && a.UnplacedSince.Equal(b.UnplacedSince) && a.NudgedAt.Equal(b.NudgedAt) && a.ReleasedAt.Equal(b.ReleasedAt) &&
		a.ReclaimsAt.Equal(b.ReclaimsAt) && a.FailedAt.Equal(b.FailedAt) && a.UnreachedSince.Equal(b.UnreachedSince) && a.WrittenOff == b.WrittenOff && sameBreaker(&a.B, &b.B) &&
		samePointer(a.Parked, b.Parked, func(x, y *Scaling) bool { return *x == *y }) &&
		samePointer(a.Failing, b.Failing, func(x, y *Failing) bool {
			return x.TaskDefinition == y.TaskDefinition && x.Running == y.Running && x.Text == y.Text && x.Since.Equal(y.Since) && x.LastAt.Equal(y.LastAt)
		}) &&
		samePointer(a.Asked, b.Asked, func(x, y *Asked) bool {
			return x.Count == y.Count && x.Done == y.Done && x.Seen == y.Seen && x.At.Equal(y.At) &&
				slices.EqualFunc(x.Old, y.Old, func(o, p OldCount) bool { return o.Count == p.Count && o.At.Equal(p.At) })
		})
}

func sameBreaker(a, b *Breaker) bool {
	return a.Mode == b.Mode && a.Why == b.Why && a.Reopened == b.Reopened && a.Step == b.Step && a.Manual == b.Manual && a.By == b.By &&
		a.Note == b.Note && a.Since.Equal(b.Since) && a.TrippedAt.Equal(b.TrippedAt) && a.NotBefore.Equal(b.NotBefore) &&
		a.StepAt.Equal(b.StepAt) && a.StableSince.Equal(b.StableSince) && a.Until.Equal(b.Until)
}
