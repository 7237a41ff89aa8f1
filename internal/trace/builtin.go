package trace

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Shape is what a built-in trace is made for. The zero value is a month of 200 tasks with seed 0.
type Shape struct {
	Tasks int // demand that the trace is made for, 1..ValueMax; default 200
	Days  int // length, 1..3660; default 30
	Seed  uint64
}

// Builtin is one built-in trace: a generator with its name and what it shows.
type Builtin struct {
	Name string
	Doc  string
	make func(*draft)
}

// Builtins lists the built-in traces. Time 0 is a Monday's midnight, local time.
func Builtins() []Builtin {
	return []Builtin{
		{"article", "the article's month: Spot holds 95 % of the time, shortages two or three a week with a peak at 09-12, interruptions two or three a day", articleMonth},
		{"total", "Spot goes away altogether about four times a month, for hours", totalLoss},
		{"partial", "Spot holds half to all of the tasks for a third of the time, changing by the minute", partialCapacity},
		{"flap", "Spot goes and comes back every ten minutes or so, in bursts of half an hour", flapping},
		{"article3", "three zones, each with its own months of trouble, some of it common", articleZones},
		{"sweep", "three zones that lose their capacity one after the other, most days", zoneSweep},
		{"diurnal", "the article's month under a demand that follows the day and the week", diurnalDemand},
		{"calm", "nothing ever happens", func(d *draft) { d.column(Spot, "") }},
	}
}

// Synthetic returns the names of the five months that published comparisons use: article, total, partial, flap and article3.
func Synthetic() []string { return []string{"article", "total", "partial", "flap", "article3"} }

// Generate returns a built-in trace. The same shape gives the same trace.
func Generate(name string, s Shape) (*Trace, error) {
	if s.Tasks == 0 {
		s.Tasks = 200
	}
	if s.Days == 0 {
		s.Days = 30
	}
	if s.Tasks < 1 || s.Tasks > ValueMax || s.Days < 1 || s.Days > 3660 {
		return nil, fmt.Errorf("generate trace %s: %d tasks over %d days is not within 1..%d and 1..3660", name, s.Tasks, s.Days, ValueMax)
	}
	var names []string
	for _, b := range Builtins() {
		if b.Name == name {
			d := &draft{shape: s, name: name, end: time.Duration(s.Days) * day}
			b.make(d)
			t := d.trace()
			t.Notes = []string{fmt.Sprintf("built-in trace %q: %s", name, b.Doc),
				fmt.Sprintf("made for %d tasks, %d days, seed %d", s.Tasks, s.Days, s.Seed)}
			return t, nil
		}
		names = append(names, b.Name)
	}
	return nil, fmt.Errorf("generate trace: no built-in trace %q: there are %s", name, strings.Join(names, ", "))
}

const day = 24 * time.Hour

// draft collects the times at which capacity is limited; where several limits overlap the least counts.
type draft struct {
	shape   Shape
	name    string
	end     time.Duration
	columns []Column
	dips    []dip
	demand  []dip
}

type dip struct {
	column   int
	from, to time.Duration
	capacity int
}

// source returns a stream of random numbers of its own for every part of a trace, so that a change in one leaves the others alone.
func (d *draft) source(part string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(d.name + "/" + part))
	return rand.New(rand.NewPCG(d.shape.Seed, h.Sum64()))
}

func (d *draft) column(pool, zone string) int {
	d.columns = append(d.columns, Column{Pool: pool, Zone: zone})
	return len(d.columns) - 1
}

// limit says that a column holds at most share of n from one time to another.
func (d *draft) limit(column int, from, to time.Duration, capacity int) {
	from, to = from.Truncate(time.Second), min(to, d.end).Truncate(time.Second)
	if from < to && from >= 0 {
		d.dips = append(d.dips, dip{column: column, from: from, to: to, capacity: max(0, capacity)})
	}
}

func (d *draft) trace() *Trace {
	t := &Trace{Name: d.name, Columns: slices.Clone(d.columns), Duration: d.end}
	demand := -1
	if len(d.demand) > 0 {
		demand = len(t.Columns)
		t.Columns = append(t.Columns, Column{Pool: Demand})
	}
	times := []time.Duration{0, d.end}
	for _, p := range slices.Concat(d.dips, d.demand) {
		times = append(times, p.from, p.to)
	}
	slices.Sort(times)
	times = slices.Compact(times)
	slices.SortStableFunc(d.dips, func(a, b dip) int { return int(a.from - b.from) })
	var active []dip
	next, wanted := 0, 0
	for _, at := range times {
		active = slices.DeleteFunc(active, func(p dip) bool { return p.to <= at })
		for ; next < len(d.dips) && d.dips[next].from <= at; next++ {
			active = append(active, d.dips[next])
		}
		for wanted+1 < len(d.demand) && d.demand[wanted+1].from <= at {
			wanted++
		}
		row := make([]int, len(t.Columns))
		for c := range row {
			row[c] = NoLimit
		}
		for _, p := range active {
			if row[p.column] == NoLimit || p.capacity < row[p.column] {
				row[p.column] = p.capacity
			}
		}
		if demand >= 0 {
			row[demand] = d.demand[wanted].capacity
		}
		t.At = append(t.At, at)
		t.Values = append(t.Values, row...)
	}
	return t
}

// between returns a time drawn evenly from a range.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Float64()*float64(high-low))
}

// spell returns a length drawn from an exponential distribution, within bounds.
func spell(r *rand.Rand, mean, low, high time.Duration) time.Duration {
	return min(max(time.Duration(r.ExpFloat64()*float64(mean)), low), high)
}

// poisson calls f at times that follow each other at random, perDay times a day.
func (d *draft) poisson(r *rand.Rand, perDay float64, f func(at time.Duration)) {
	for at := spell(r, time.Duration(float64(day)/perDay), time.Second, d.end); at < d.end; {
		f(at)
		at += spell(r, time.Duration(float64(day)/perDay), time.Second, d.end)
	}
}

// interruptions takes one to three tasks for a minute, perDay times a day: a reclaim that the pool recovers from at once.
func (d *draft) interruptions(r *rand.Rand, column, tasks int, perDay float64) {
	d.poisson(r, perDay, func(at time.Duration) {
		d.limit(column, at, at+time.Minute, tasks-1-r.IntN(3))
	})
}

// startHour draws an hour of day with a peak at 09-12: half of the shortages begin there.
func startHour(r *rand.Rand) float64 {
	if r.Float64() < 0.5 {
		return 9 + 3*r.Float64()
	}
	return 24 * r.Float64()
}

// shortages limits a column perWeek times a week. Capacity goes in up to four steps within minutes, as it does when a zone is
// reclaimed, and comes back in two.
func (d *draft) shortages(r *rand.Rand, column, tasks int, perWeek float64, mean time.Duration, depth func() float64) {
	days := int(d.end / day)
	for k := range days {
		if r.Float64() >= perWeek/7 {
			continue
		}
		from := time.Duration(k)*day + time.Duration(startHour(r)*float64(time.Hour))
		d.shortage(r, column, tasks, from, spell(r, mean, 20*time.Minute, 12*time.Hour), depth())
	}
}

func (d *draft) shortage(r *rand.Rand, column, tasks int, from, length time.Duration, lost float64) {
	to := from + length
	left := 1 - lost
	steps := 1 + r.IntN(4)
	at := from
	for s := 1; s < steps; s++ {
		d.limit(column, at, to, int(math.Round(float64(tasks)*(1-lost*float64(s)/float64(steps)))))
		at += between(r, 20*time.Second, 3*time.Minute)
	}
	d.limit(column, at, to, int(math.Round(float64(tasks)*left)))
	d.limit(column, to, to+between(r, 2*time.Minute, 20*time.Minute), int(math.Round(float64(tasks)*(1-lost/2))))
}

func articleMonth(d *draft) {
	c := d.column(Spot, "")
	n := d.shape.Tasks
	d.interruptions(d.source("interruptions"), c, n, 2.5)
	r := d.source("shortages")
	d.shortages(r, c, n, 2.5, 200*time.Minute, func() float64 {
		if r.Float64() < 0.4 {
			return 0.4 + 0.6*r.Float64() // deep: this is what an operator fails over for
		}
		return 0.02 + 0.13*r.Float64()
	})
}

func totalLoss(d *draft) {
	c := d.column(Spot, "")
	d.interruptions(d.source("interruptions"), c, d.shape.Tasks, 1)
	r := d.source("losses")
	d.poisson(r, 4.2/30, func(at time.Duration) {
		d.limit(c, at, at+spell(r, 8*time.Hour, time.Hour, 24*time.Hour), 0)
	})
}

func partialCapacity(d *draft) {
	c := d.column(Spot, "")
	n := d.shape.Tasks
	d.interruptions(d.source("interruptions"), c, n, 2)
	r := d.source("levels")
	for at := spell(r, 6*time.Hour, time.Hour, d.end); at < d.end; {
		end := at + spell(r, 5*time.Hour, 20*time.Minute, 24*time.Hour)
		level := 0.5 + 0.5*r.Float64()
		for at < end {
			next := at + spell(r, 12*time.Minute, time.Minute, 2*time.Hour)
			d.limit(c, at, next, int(level*float64(n)))
			level = min(0.98, max(0.45, level+0.24*(r.Float64()-0.5)))
			at = next
		}
		at += spell(r, 9*time.Hour, 30*time.Minute, 3*day)
	}
}

func flapping(d *draft) {
	c := d.column(Spot, "")
	n := d.shape.Tasks
	d.interruptions(d.source("interruptions"), c, n, 2)
	r := d.source("bursts")
	d.poisson(r, 1.3, func(at time.Duration) {
		for end := at + between(r, 15*time.Minute, 60*time.Minute); at < end; {
			gone := spell(r, 9*time.Minute, time.Minute, 30*time.Minute)
			d.limit(c, at, at+gone, int(float64(n)*(0.2+0.75*r.Float64())))
			at += gone + spell(r, 6*time.Minute, time.Minute, 20*time.Minute)
		}
	})
}

func articleZones(d *draft) {
	n := (d.shape.Tasks + 2) / 3
	common := d.source("common")
	for _, zone := range []string{"us-west-2a", "us-west-2b", "us-west-2c"} {
		c := d.column(Spot, zone)
		d.interruptions(d.source("interruptions/"+zone), c, n, 2)
		r := d.source("shortages/" + zone)
		d.shortages(r, c, n, 2.5, 200*time.Minute, func() float64 { return 0.3 + 0.7*r.Float64() })
	}
	d.poisson(common, 3.0/30, func(at time.Duration) {
		length := spell(common, 3*time.Hour, time.Hour, 10*time.Hour)
		for c := range d.columns {
			d.shortage(common, c, n, at+between(common, 0, 5*time.Minute), length, 0.6+0.4*common.Float64())
		}
	})
}

func zoneSweep(d *draft) {
	for _, zone := range []string{"us-west-2a", "us-west-2b", "us-west-2c"} {
		d.column(Spot, zone)
	}
	r := d.source("sweeps")
	for k := range int(d.end / day) {
		if r.Float64() < 0.3 {
			continue
		}
		at := time.Duration(k)*day + time.Duration(startHour(r)*float64(time.Hour))
		for c := range d.columns {
			length := between(r, 20*time.Minute, 90*time.Minute)
			d.limit(c, at, at+length, 0)
			at += length - between(r, 0, 10*time.Minute)
		}
	}
}

func diurnalDemand(d *draft) {
	articleMonth(d)
	r := d.source("demand")
	n := float64(d.shape.Tasks)
	for at := time.Duration(0); at < d.end; at += 15 * time.Minute {
		hour := at.Hours() - 24*math.Floor(at.Hours()/24)
		level := 0.7 - 0.3*math.Cos((hour-3)/24*2*math.Pi) // least at 03:00, most at 15:00
		if at/day%7 >= 5 {
			level *= 0.6
		}
		want := int(math.Round(n * level * (0.97 + 0.06*r.Float64())))
		d.demand = append(d.demand, dip{from: at, to: min(at+15*time.Minute, d.end), capacity: max(1, want)})
	}
}
