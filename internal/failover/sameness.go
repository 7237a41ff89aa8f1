package failover

import (
	"bytes"
	"encoding/json"
	"time"
)

// inUTC is the evidence with its times as they are compared: the same moment is the same in every zone.
func (e Evidence) inUTC() Evidence {
	for _, t := range [...]*time.Time{&e.At, &e.CreatedAt, &e.StartedAt} {
		*t = t.UTC().Round(0)
	}
	return e
}

// sameJSON reports whether two values are written alike. Times of different zones are not.
func sameJSON[T any](a, b *T) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
