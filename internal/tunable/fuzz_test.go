package tunable

import (
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// FuzzField: whatever is written for a field is refused with a reason, or is kept so that what is read back
// sets the same again (durations, numbers, words).
func FuzzField(f *testing.F) {
	for i, text := range []string{"90s", "10m", "1h30m", "0", "-1s", "9223372036854775807ns", "1e309", "NaN", "0.5", "7", "true", "evacuate", "spot", "1h1h", "１s"} {
		f.Add(uint(i), text)
	}
	fields := Fields()
	f.Fuzz(func(t *testing.T, n uint, text string) {
		field := fields[n%uint(len(fields))]
		var p, q failover.Policy
		if problem := field.Check(text); problem != "" {
			if err := field.Set(&p, text); err == nil {
				t.Fatalf("%s: %q is refused (%s) and set all the same", field.Key, text, problem)
			}
			return
		}
		if err := field.Set(&p, text); err != nil {
			t.Fatalf("%s: %q passes the check, and setting it fails: %v", field.Key, text, err)
		}
		back := field.Get(&p)
		if err := field.Set(&q, back); err != nil || field.Get(&q) != back {
			t.Fatalf("%s: %q reads back as %q, which sets %q, %v", field.Key, text, back, field.Get(&q), err)
		}
	})
}
