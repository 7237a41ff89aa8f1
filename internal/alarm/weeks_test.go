package alarm_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/alarm"
	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/trace"
)

var update = flag.Bool("update", false, "write the quiet weeks of docs/alarms.md")

const (
	week = 7 * 24 * time.Hour
	// firstTick is when the schedule first reaches the function after the first apply; the queue shows its first metrics a quarter of
	// an hour later than it could (docs/aws-assumptions.md, T27).
	firstTick, queueShown = 2 * time.Minute, 17 * time.Minute
)

// quiet are weeks in which nothing happens that a person should be called for.
var quiet = []struct {
	what    string
	tasks   int
	dips    map[time.Duration]dip // by when, each day
	demand  func(hour int) int
	hiccups bool
}{
	{what: "Nothing happens; 20 tasks", tasks: 20},
	{what: "The demand follows the day, 10 to 40 tasks", tasks: 40, demand: func(hour int) int { return 25 - int(15*math.Cos(float64(hour)*math.Pi/12)) }},
	{what: "Five times a day AWS takes one task of 20", tasks: 20, dips: map[time.Duration]dip{2 * time.Hour: {19, 2 * time.Minute}, 9 * time.Hour: {19, 2 * time.Minute},
		10 * time.Hour: {19, 2 * time.Minute}, 15 * time.Hour: {19, 2 * time.Minute}, 23 * time.Hour: {19, 2 * time.Minute}}},
	{what: "Once a day AWS takes the only task", tasks: 1, dips: map[time.Duration]dip{9 * time.Hour: {0, time.Minute}}},
	{what: "Once a day Spot holds 15 of 20 for half an hour", tasks: 20, dips: map[time.Duration]dip{9 * time.Hour: {15, 30 * time.Minute}}},
	{what: "Invocations fail, are throttled, last long or do not come, a few a day each", tasks: 20, hiccups: true},
}

type dip struct {
	capacity int
	lasts    time.Duration
}

// traceOf is a week's capacity and demand.
func traceOf(k int) *trace.Trace {
	q := &quiet[k]
	tr := &trace.Trace{Name: fmt.Sprint("week ", k+1), Columns: []trace.Column{{Pool: trace.Spot}, {Pool: trace.Demand}}, Duration: week}
	row := func(at time.Duration) {
		capacity, demand := trace.NoLimit, q.tasks
		for from, d := range q.dips {
			if t := at % (24 * time.Hour); t >= from && t < from+d.lasts {
				capacity = d.capacity
			}
		}
		if q.demand != nil {
			demand = q.demand(int(at.Hours()) % 24)
		}
		tr.At, tr.Values = append(tr.At, at), append(tr.Values, capacity, demand)
	}
	for at := time.Duration(0); at <= week; at += time.Minute {
		row(at)
		if n := len(tr.At); n > 1 && at < week && tr.Values[2*n-2] == tr.Values[2*n-4] && tr.Values[2*n-1] == tr.Values[2*n-3] {
			tr.At, tr.Values = tr.At[:n-1], tr.Values[:2*n-2]
		}
	}
	return tr
}

// installed is what CloudWatch has of an installation that was made when the week began.
type installed struct {
	data    alarm.Data
	watch   *alarm.Watch
	meter   *measure.Meter
	lines   bytes.Buffer
	writer  *metric.Writer
	last    control.Report
	said    map[string]float64 // by the last line
	begun   time.Time
	now     time.Time // minutes before it are published
	hiccups bool      // invocations fail now and then
	t       *testing.T
}

// until publishes the minutes up to a moment, with what the last pass said, and evaluates the alarms at each.
func (i *installed) until(at time.Time) {
	function, schedule := map[string]string{"FunctionName": "backstop"}, map[string]string{"RuleName": "backstop-schedule"}
	for ; !i.now.Add(time.Minute).After(at); i.now = i.now.Add(time.Minute) {
		n, second := int(i.now.Sub(i.begun).Minutes()), i.now.Add(20*time.Second)
		if i.now.Sub(i.begun) >= firstTick && i.last.Workload != "" {
			failed, duration := 0.0, 200.0
			switch {
			case i.hiccups && n%360 == 100: // a tick that does not come
			case i.hiccups && n%480 == 50:
				i.data.Put("AWS/Lambda", "Throttles", function, second, 2)
			default:
				if i.hiccups && n%300 == 30 {
					failed = 1
				}
				if i.hiccups && n%240 == 20 {
					duration = 55_000
				}
				i.data.Put("AWS/Events", "Invocations", schedule, second, 1)
				i.data.Put("AWS/Lambda", "Invocations", function, second, 1)
				i.data.Put("AWS/Lambda", "Errors", function, second, failed)
				i.data.Put("AWS/Lambda", "Duration", function, second, duration)
				if failed == 0 {
					i.repeat(second)
				}
			}
		}
		if i.now.Sub(i.begun) >= queueShown {
			age := 0.0
			if i.hiccups && n%300 >= 30 && n%300 <= 36 { // events of a failed invocation come back after six minutes
				age = float64(60 * (n%300 - 29))
			}
			i.data.Put("AWS/SQS", "ApproximateAgeOfOldestMessage", map[string]string{"QueueName": "backstop"}, second, age)
			i.data.Put("AWS/SQS", "ApproximateNumberOfMessagesVisible", map[string]string{"QueueName": "backstop"}, second, 0)
		}
		i.watch.Look(&i.data, i.now.Add(time.Minute))
		if n%120 == 119 {
			i.data.Forget(i.now.Add(-time.Hour))
		}
	}
}

// repeat publishes what the product says of a pass that finds all as it was: the last line again, but for its time.
func (i *installed) repeat(at time.Time) {
	if i.said == nil {
		i.write(i.last)
	}
	for name, v := range i.said {
		i.data.Put(metric.Namespace, name, map[string]string{metric.Dimension: "api"}, at, v)
	}
}

// write publishes what the product says of a pass.
func (i *installed) write(r control.Report) {
	f, ok := i.meter.Of(i.t.Context(), &r)
	if !ok {
		return
	}
	if err := i.writer.Write(f); err != nil {
		i.t.Fatal(err)
	}
	if err := i.data.PutEMF(bytes.TrimSpace(i.lines.Bytes())); err != nil {
		i.t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(i.lines.Bytes(), &said); err != nil {
		i.t.Fatal(err)
	}
	i.said = make(map[string]float64)
	for name, v := range said {
		if n, ok := v.(float64); ok {
			i.said[name] = n
		}
	}
	i.lines.Reset()
}

func install(t *testing.T, begun time.Time, hiccups bool) *installed {
	text, err := os.ReadFile("../../terraform/testdata/alarms.json")
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := alarm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	i := &installed{t: t, watch: alarm.NewWatch(alarms), meter: measure.New(nil, nil), begun: begun, now: begun, hiccups: hiccups}
	i.writer = metric.New(&i.lines, "")
	i.data.Late = map[string]time.Duration{"AWS/Events": 3 * time.Minute, "AWS/Lambda": 3 * time.Minute, "AWS/SQS": 2 * time.Minute, metric.Namespace: time.Minute}
	return i
}

// TestNoAlarmFiresInAQuietWeek plays weeks of the law in the model, from the first apply on, and evaluates the alarms of the module on
// the metric lines that the product writes. docs/alarms.md lists them.
func TestNoAlarmFiresInAQuietWeek(t *testing.T) {
	if testing.Short() || racetest.Enabled {
		t.Skip("plays six weeks")
	}
	rows := []string{"| week | alarms |", "| --- | --- |"}
	for k, q := range quiet {
		t.Run(q.what, func(t *testing.T) {
			var i *installed
			law, err := replay.Law("fill")
			if err != nil {
				t.Fatal(err)
			}
			missing := 0
			_, err = replay.Simulate(replay.Run{Trace: traceOf(k), Policy: law, Tasks: q.tasks, Seed: 1, Passed: func(before, after *failover.State, d *failover.Decision) {
				if i == nil {
					i = install(t, d.At.Truncate(time.Minute), q.hiccups)
				}
				i.until(d.At)
				i.last = control.Report{Workload: "api", Before: *before, After: *after, Decision: *d, Result: control.Committed}
				i.last.Decision.Workload, i.last.After.Workload = "api", "api"
				i.write(i.last)
				if d.Missing.Low > 0 {
					missing++
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			i.until(i.begun.Add(week))
			for _, s := range i.watch.Spells {
				t.Errorf("%s fired at %s, until %s", s.Alarm, s.Begin.Sub(i.begun), s.End.Sub(i.begun))
			}
			for _, a := range i.watch.Alarms {
				if s := i.watch.State(a.Name); s != alarm.OK {
					t.Errorf("after a quiet week %s is %s", a.Name, s)
				}
			}
			if len(q.dips) > 0 && missing == 0 {
				t.Error("no task was ever missing: the week shows nothing")
			}
			rows = append(rows, "| "+q.what+" | none |")
		})
	}
	const path, begin, end = "../../docs/alarms.md", "<!-- begin weeks -->\n", "<!-- end weeks -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), begin)
	have, tail, ok := strings.Cut(rest, end)
	want := strings.Join(rows, "\n") + "\n"
	switch {
	case !ok:
		t.Fatalf("%s has no table of weeks", path)
	case *update && !t.Failed():
		if err := os.WriteFile(path, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	case have != want:
		t.Errorf("docs/alarms.md has other weeks; -update writes them:\n%s", want)
	}
}

// TestAnAlarmThatTakesNoDataForTroubleRingsAtTheFirstApply shows that the weeks can find a false alarm.
func TestAnAlarmThatTakesNoDataForTroubleRingsAtTheFirstApply(t *testing.T) {
	for treat, want := range map[string]int{alarm.Ignore: 0, alarm.Breaching: 1} {
		i := install(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), false)
		for k := range i.watch.Alarms {
			if a := &i.watch.Alarms[k]; strings.HasSuffix(a.Name, "no-pass") {
				a.TreatAbsent = treat
			}
		}
		i.last = control.Report{Workload: "api", Decision: failover.Decision{At: i.begun, Workload: "api", Health: 100}, Result: control.Unchanged}
		i.until(i.begun.Add(time.Hour))
		if got := len(i.watch.Spells); got != want {
			t.Errorf("with missing data %s %d alarms fire at the first apply, want %d", treat, got, want)
		}
	}
}

// TestAScheduleThatNeverWorkedFires: quiet at the first apply must not mean silent for ever.
func TestAScheduleThatNeverWorkedFires(t *testing.T) {
	i := install(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), false)
	i.until(i.begun.Add(time.Hour)) // no pass: what is published is the queue
	if len(i.watch.Spells) != 1 || !strings.HasSuffix(i.watch.Spells[0].Alarm, "no-pass") || i.watch.Spells[0].Begin.Sub(i.begun) > 30*time.Minute {
		t.Errorf("%+v", i.watch.Spells)
	}
}
