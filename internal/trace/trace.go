package trace

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// NoLimit is the capacity of a pool that holds as many tasks as are asked for ("inf" in the file).
const NoLimit = -1

// Limits. They bound what a file may make a reader hold.
const (
	RowsMax    = 1_000_000        // a row every 30 s for a year
	ColumnsMax = 64               // ECS spreads a service over at most a handful of zones; pools are few
	LineMax    = 16 << 10         // bytes a line
	ValueMax   = 1_000_000        // tasks; ECS's quota is 5,000 a service
	ErrorsMax  = 20               // problems reported at once
	secondsMax = 10 * 366 * 86400 // ten years
)

// Names of columns with a meaning of their own.
const (
	Spot     = "spot"
	OnDemand = "on_demand"
	Demand   = "demand"
)

// Column is one column of a trace: the capacity of a pool, of a pool's availability zone, or the demand.
type Column struct {
	Pool string // "spot", "on_demand", a pool's own name, or "demand"
	Zone string // availability zone; empty for the pool as a whole
}

// Name returns the column's name as it stands in the file.
func (c Column) Name() string {
	if c.Zone == "" {
		return c.Pool
	}
	return c.Pool + "/" + c.Zone
}

// Trace is capacity and demand over time. Rows are in order of time; the values of a row hold until the next one, and those of the
// first row also before it.
type Trace struct {
	// Name is where it came from: a file's base name, or a built-in trace's name.
	Name string
	// Notes are the comments at the head of the file, without their "#".
	Notes   []string
	Columns []Column
	// At are the rows' times, strictly increasing, from 0.
	At []time.Duration
	// Values are the rows, one after the other: the value of column c in row r is Values[r*len(Columns)+c], NoLimit or 0..ValueMax.
	Values []int
	// Duration is how long the trace lasts: the time of its final row, unless the caller sets it.
	Duration time.Duration
}

// Value returns the value of a column in a row.
func (t *Trace) Value(row, column int) int { return t.Values[row*len(t.Columns)+column] }

// Column returns the index of a column, or -1.
func (t *Trace) Column(pool, zone string) int {
	return slices.Index(t.Columns, Column{Pool: pool, Zone: zone})
}

// Row returns the row that holds at the given time; the first row holds before its own time too.
func (t *Trace) Row(at time.Duration) int {
	i := sort.Search(len(t.At), func(i int) bool { return t.At[i] > at })
	return max(0, i-1)
}

// Pools returns the names of the Spot pools, in the order of their first column: every pool but on_demand and demand.
func (t *Trace) Pools() []string {
	var out []string
	for _, c := range t.Columns {
		if c.Pool != OnDemand && c.Pool != Demand && !slices.Contains(out, c.Pool) {
			out = append(out, c.Pool)
		}
	}
	return out
}

// Zones returns the zones that a pool has columns for, in their order.
func (t *Trace) Zones(pool string) []string {
	var out []string
	for _, c := range t.Columns {
		if c.Pool == pool && c.Zone != "" {
			out = append(out, c.Zone)
		}
	}
	return out
}

// Scale returns the trace with every capacity multiplied by factor and rounded down; demand stays as it is.
func (t *Trace) Scale(factor float64) *Trace {
	out := *t
	out.Values = slices.Clone(t.Values)
	for i, v := range out.Values {
		if v > 0 && t.Columns[i%len(t.Columns)].Pool != Demand {
			out.Values[i] = min(int(float64(v)*factor+1e-9), ValueMax)
		}
	}
	return &out
}

// Merge returns the trace with the columns of another added, both as long as t lasts. It returns an error if they share a column.
func (t *Trace) Merge(o *Trace) (*Trace, error) {
	for _, c := range o.Columns {
		if slices.Contains(t.Columns, c) {
			return nil, fmt.Errorf("merge traces %s and %s: both have a column %s", t.Name, o.Name, c.Name())
		}
	}
	out := &Trace{Name: t.Name, Notes: slices.Concat(t.Notes, o.Notes), Columns: slices.Concat(t.Columns, o.Columns), Duration: t.Duration}
	times := slices.Concat(t.At, o.At)
	slices.Sort(times)
	for _, at := range slices.Compact(times) {
		out.At = append(out.At, at)
		a, b := t.Row(at)*len(t.Columns), o.Row(at)*len(o.Columns)
		out.Values = append(out.Values, t.Values[a:a+len(t.Columns)]...)
		out.Values = append(out.Values, o.Values[b:b+len(o.Columns)]...)
	}
	return out, nil
}

// Check returns what is wrong with a trace that was put together by hand, or nil.
func (t *Trace) Check() error {
	switch {
	case len(t.Columns) == 0 || len(t.Columns) > ColumnsMax:
		return fmt.Errorf("check trace %s: it has %d columns, not 1..%d", t.Name, len(t.Columns), ColumnsMax)
	case len(t.At) == 0 || len(t.At) > RowsMax:
		return fmt.Errorf("check trace %s: it has %d rows, not 1..%d", t.Name, len(t.At), RowsMax)
	case len(t.Values) != len(t.At)*len(t.Columns):
		return fmt.Errorf("check trace %s: it has %d values for %d rows of %d columns", t.Name, len(t.Values), len(t.At), len(t.Columns))
	case len(t.Pools()) == 0:
		return fmt.Errorf("check trace %s: no column is a Spot pool", t.Name)
	case t.Duration <= 0 || t.Duration > secondsMax*time.Second:
		return fmt.Errorf("check trace %s: it lasts %s, not more than 0 and at most ten years", t.Name, t.Duration)
	}
	for r, at := range t.At {
		if at < 0 || (r > 0 && at <= t.At[r-1]) {
			return fmt.Errorf("check trace %s: row %d is at %s, not after the one before", t.Name, r, at)
		}
		for c := range t.Columns {
			if v := t.Value(r, c); v < NoLimit || v > ValueMax || (v == NoLimit && t.Columns[c].Pool == Demand) {
				return fmt.Errorf("check trace %s: row %d, %s is %d", t.Name, r, t.Columns[c].Name(), v)
			}
		}
	}
	return nil
}

// Demanded says whether the trace has a demand of its own.
func (t *Trace) Demanded() bool { return t.Column(Demand, "") >= 0 }

// DemandMax is the greatest demand of the trace, 0 if it has none.
func (t *Trace) DemandMax() int {
	c, most := t.Column(Demand, ""), 0
	if c < 0 {
		return 0
	}
	for r := range t.At {
		most = max(most, t.Value(r, c))
	}
	return most
}

// secondsOf returns seconds as a duration, to the nanosecond.
func secondsOf(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }
