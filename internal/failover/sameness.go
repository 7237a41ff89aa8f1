package failover

import (
	"bytes"
	"encoding/json"
)

// sameJSON reports whether two values are written alike. Times of different zones are not.
func sameJSON[T any](a, b *T) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
