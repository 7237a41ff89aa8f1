package sandbox

import "time"

// Limits of the clock.
const (
	speedMax = 1e6 // virtual seconds per real one: a month in three seconds
	// stepMin is the shortest real wait between two looks at the world, so that a fast world does not spin.
	stepMin = time.Millisecond
	// stepMax is the longest: a bound on what a missed wake-up could cost.
	stepMax = time.Minute
)

// clock ties virtual to real time: virtual = base + speed x (real - since). A manual clock is moved by hand
// alone, a paused one stands still until it is resumed.
type clock struct {
	manual bool
	paused bool
	speed  float64
	base   time.Time // virtual
	since  time.Time // real
}

// at returns the virtual time at a real time.
func (c *clock) at(real time.Time) time.Time {
	if c.still() {
		return c.base
	}
	return c.base.Add(time.Duration(float64(real.Sub(c.since)) * c.speed))
}

// still says whether virtual time passes only by hand.
func (c *clock) still() bool { return c.manual || c.paused }

// set puts the virtual time at a real time.
func (c *clock) set(virtual, real time.Time) { c.base, c.since = virtual, real }

// until returns how long to wait, in real time, for a virtual time that must not be missed. ok is false when
// it cannot come by waiting.
func (c *clock) until(virtual, real time.Time) (wait time.Duration, ok bool) {
	if c.still() {
		return 0, false
	}
	wait = time.Duration(float64(virtual.Sub(c.at(real))) / c.speed)
	return wait, true
}
