package cli

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestDoctorLooksUntilAFixShows: what AWS shows right after a change may be what was before it.
func TestDoctorLooksUntilAFixShows(t *testing.T) {
	failed := errors.New("no")
	for _, c := range []struct {
		name  string
		after time.Duration // AWS shows it
		err   error
		want  bool
		took  time.Duration
	}{
		{"at once", 0, nil, true, 0},
		{"after two seconds", 1500 * time.Millisecond, nil, true, 2 * time.Second},
		{"much later", time.Hour, nil, false, fixFor},
		{"it cannot be read", 0, failed, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				shown, err := until(t.Context(), fixPause, fixFor, func() (bool, error) { return c.err == nil && time.Since(begun) >= c.after, c.err })
				if shown != c.want || !errors.Is(err, c.err) || time.Since(begun) != c.took {
					t.Errorf("got %t, %v after %s; want %t, %v after %s", shown, err, time.Since(begun), c.want, c.err, c.took)
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := until(ctx, fixPause, fixFor, func() (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got %v", err)
	}
}
