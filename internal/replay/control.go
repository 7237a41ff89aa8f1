package replay

import (
	"math"
	"math/rand/v2"
	"time"
)

// Delay is a lognormal delay by its median and its 95th percentile; P95 zero makes it constant.
type Delay struct{ P50, P95 time.Duration }

// Control is how fast a controller learns and acts.
type Control struct {
	Event Delay         // from an event to the pass that takes it into account
	Act   Delay         // from the pass to the call that changes the service
	Tick  time.Duration // a pass comes at least this often
	Quiet time.Duration // least time between a pass and one for events that call for no cover (a task runs, a scale-in, a steady state)
	Deaf  bool          // events do not wake it: it only ticks
}

// FastControl is the product's: an event reaches the pass after 1 s by EventBridge and SQS, and the call is out 0.3 s later. The daemon
// lets events that call for no cover wait until 2 s after its last pass (passGapQuiet of package control), so that hundreds of tasks
// that start together do not use up the calls that ECS allows.
func FastControl() Control {
	return Control{Event: Delay{P50: time.Second}, Act: Delay{P50: 300 * time.Millisecond}, Tick: time.Minute, Quiet: 2 * time.Second}
}

// ArticleControl has the delays that the article measured: 5 s (P95 15 s) to detect, 2 s (P95 5 s) to act.
func ArticleControl() Control {
	return Control{
		Event: Delay{P50: 5 * time.Second, P95: 15 * time.Second}, Act: Delay{P50: 2 * time.Second, P95: 5 * time.Second}, Tick: time.Minute,
	}
}

// ControlByName returns a named control: fast or article.
func ControlByName(name string) (Control, bool) {
	switch name {
	case "fast":
		return FastControl(), true
	case "article":
		return ArticleControl(), true
	}
	return Control{}, false
}

// draw returns one delay.
func (d Delay) draw(r *rand.Rand) time.Duration {
	if d.P95 <= d.P50 || d.P50 <= 0 {
		return d.P50
	}
	const z95 = 1.6448536269514722
	sigma := math.Log(float64(d.P95)/float64(d.P50)) / z95
	return time.Duration(float64(d.P50) * math.Exp(sigma*r.NormFloat64()))
}
