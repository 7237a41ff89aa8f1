package failover

import (
	"reflect"
	"time"
)

// SameState says whether b differs from a in nothing that is worth a write: the moment of the last look and
// a small drift of the month's on-demand use are not.
func SameState(a, b State) bool {
	if b.Spend != a.Spend && (b.At.Sub(a.At) >= spendCommit || b.Spend.Month != a.Spend.Month) {
		return false
	}
	a.At, b.At = time.Time{}, time.Time{}
	a.Spend, b.Spend = Spend{}, Spend{}
	a.Generation, b.Generation = 0, 0
	return reflect.DeepEqual(a, b)
}
