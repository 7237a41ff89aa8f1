package scaler

import "time"

// Config bends the model. In a duration, a count or a share zero means the default, and a negative value none.
type Config struct {
	Period              time.Duration // of metrics and alarms, 1 s to 1 h; default 60 s (A74)
	OutPeriods          int           // breaching periods in a row before a scale-out; default 3 (A75)
	InTime              time.Duration // breaching time before a scale-in; default 15 min (A75)
	InMargin            float64       // share 0..1 below its target at which a metric calls for a scale-in; default 0.1 (A75)
	FromDesired         bool          // steps start from the desired count; default false: from the running count (A76)
	ZeroWithoutTasks    bool          // metrics of a service without tasks are 0; default false: they vanish (A77)
	Cooldown            time.Duration // of policies that name none; default 300 s (A78)
	InDuringDeployments bool          // scale-in goes on during deployments; default false (A79)
	LateActions         bool          // a scheduled action due while suspended is applied on resumption; default false: it is lost (A80)
	LeaveOutside        bool          // a registration leaves a count outside of its bounds; default false: it moves it inside (A82)
	CPUMax              float64       // greatest CPU utilization of a task, percent; default 100 (A81)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field    *time.Duration
		standard time.Duration
	}{{&c.Period, time.Minute}, {&c.InTime, 15 * time.Minute}, {&c.Cooldown, 5 * time.Minute}} {
		if *d.field == 0 {
			*d.field = d.standard
		}
		*d.field = max(0, *d.field)
	}
	c.Period = max(time.Second, min(time.Hour, c.Period))
	if c.OutPeriods == 0 {
		c.OutPeriods = 3
	}
	if c.InMargin == 0 {
		c.InMargin = 0.1
	}
	if c.CPUMax == 0 {
		c.CPUMax = 100
	}
	c.OutPeriods, c.InMargin, c.CPUMax = max(1, c.OutPeriods), max(0, min(1, c.InMargin)), max(0, c.CPUMax)
	return c
}

// inPeriods is how many periods in a row must breach before a scale-in.
func (c Config) inPeriods() int { return max(1, int(c.InTime/c.Period)) }
