package failover

import (
	"reflect"
	"time"
)

// SameState says whether b differs from a in nothing that is worth a journal entry: the moment of the last
// look and the month's on-demand use so far are not. Whoever keeps states writes them now and then all the same.
func SameState(a, b State) bool {
	if b.Spend.Month != a.Spend.Month && a.Spend.Month != "" {
		return false
	}
	a.At, b.At = time.Time{}, time.Time{}
	a.Spend, b.Spend = Spend{}, Spend{}
	a.Generation, b.Generation = 0, 0
	return reflect.DeepEqual(a, b)
}
