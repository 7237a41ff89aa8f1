package play

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/trace"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Limits of one question.
const (
	TasksMax = failover.ServiceTasksMax
	DaysMax  = 366
	CSVMax   = 32 << 20 // bytes of a trace
)

// Question is what the page asks.
type Question struct {
	// Kind is "trace", "run" or "explain".
	Kind string `json:"kind"`

	// Trace names a built-in trace, or the file that CSV was read from; CSV is the trace itself, empty for a built-in one.
	Trace string `json:"trace"`
	CSV   string `json:"csv,omitempty"`
	Days  int    `json:"days,omitempty"`  // of a built-in trace, 1 to 366; default 30
	Tasks int    `json:"tasks,omitempty"` // wanted where the trace does not say, 1 to 5000; default 200
	Seed  uint64 `json:"seed,omitempty"`
	// World is what tasks make of the two-minute warning, by a name of replay.Stops; default the first.
	World string `json:"world,omitempty"`
	// WarmUp is how long a task takes from RUNNING until it is in service, in seconds, 0 to 3600: the median. One in a hundred takes 1.6 times as long.
	WarmUp float64 `json:"warm_up_seconds,omitempty"`

	// Policy is a preset or a rival (kinds run and explain).
	Policy string `json:"policy,omitempty"`
	// Choice is the decision to be explained by its place among those of the run, from 0, and At when it was made, in seconds.
	Choice int     `json:"choice,omitempty"`
	At     float64 `json:"at,omitempty"`
}

// Slowest is how much longer than the median warm-up one in a hundred takes.
const Slowest = 1.6

// failure is the answer to a question that cannot be answered.
type failure struct {
	Error string `json:"error"`
}

// Answer answers a question: JSON in, JSON out. What is wrong with the question comes back as {"error": "..."}. stop, if not nil, is asked now and
// then whether to give up.
func Answer(question []byte, stop func() bool) []byte {
	answer, err := answer(question, stop)
	if err != nil {
		answer = failure{err.Error()}
	}
	out, err := json.Marshal(answer)
	if err != nil {
		out, _ = json.Marshal(failure{fmt.Sprintf("write answer: %v", err)})
	}
	return out
}

func answer(question []byte, stop func() bool) (any, error) {
	var q Question
	if err := json.Unmarshal(question, &q); err != nil {
		return nil, fmt.Errorf("read question: %w", err)
	}
	run, err := q.run()
	if err != nil {
		return nil, err
	}
	run.Stop = stop
	switch q.Kind {
	case "trace":
		return courseOf(run), nil
	case "run":
		return played(run, q.Policy)
	case "explain":
		return explained(run, q)
	}
	return nil, fmt.Errorf("unknown question %q", q.Kind)
}

// run is what is to be played, but for the policy.
func (q *Question) run() (replay.Run, error) {
	if q.Tasks == 0 {
		q.Tasks = 200
	}
	if q.Days == 0 {
		q.Days = 30
	}
	switch {
	case q.Tasks < 1 || q.Tasks > TasksMax:
		return replay.Run{}, fmt.Errorf("%d tasks: must be 1 to %d", q.Tasks, TasksMax)
	case q.Days < 1 || q.Days > DaysMax:
		return replay.Run{}, fmt.Errorf("%d days: must be 1 to %d", q.Days, DaysMax)
	case !(q.WarmUp >= 0 && q.WarmUp <= 3600):
		return replay.Run{}, fmt.Errorf("warm-up of %v s: must be 0 to 3600", q.WarmUp)
	case len(q.CSV) > CSVMax:
		return replay.Run{}, fmt.Errorf("%s has %d bytes, more than %d", q.Trace, len(q.CSV), CSVMax)
	}
	stop, err := replay.ParseStop(q.World)
	if err != nil {
		return replay.Run{}, err
	}
	t, err := q.trace()
	if err != nil {
		return replay.Run{}, err
	}
	w := replay.World{Stop: stop}
	if q.WarmUp > 0 {
		w.WarmUp = ecsim.WarmUp{P50: seconds(q.WarmUp), P99: seconds(Slowest * q.WarmUp)}
	}
	return replay.Run{Trace: t, Tasks: q.Tasks, World: w, Seed: q.Seed}, nil
}

func (q *Question) trace() (*trace.Trace, error) {
	if q.CSV == "" {
		return trace.Generate(q.Trace, trace.Shape{Tasks: q.Tasks, Days: q.Days, Seed: q.Seed})
	}
	t, err := trace.Parse(strings.NewReader(q.CSV), q.Trace)
	if problems, ok := errors.AsType[trace.Problems](err); ok && len(problems) > 1 {
		return nil, fmt.Errorf("%w (and %d more)", problems[0], len(problems)-1)
	}
	if err != nil {
		return nil, err
	}
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("%w (a final row says how long it is)", err)
	}
	return t, nil
}

// Contestant is a policy or a trace that the page offers.
type Contestant struct {
	Name  string `json:"name"`
	Title string `json:"title"` // of a policy: its name, and whose it is
	Doc   string `json:"doc"`
	// Own is whether the product decides by it.
	Own bool `json:"own,omitempty"`
}

// presets say what the presets do, titles and traces what some rivals and the built-in traces are, for a user who meets them for the first time.
var (
	presets = map[string]string{
		failover.PresetFill:   "Spot is asked for all, and on-demand holds exactly what Spot cannot",
		failover.PresetSwitch: "When Spot fails too often, it is given up as a whole, until a few tasks there have proved that it holds",
	}
	titles = map[string]string{replay.RivalSpot: "ECS alone, on Spot", replay.RivalOnDemand: "All on-demand", replay.RivalStatic20: "20 % on-demand", replay.RivalStatic50: "50 % on-demand",
		replay.RivalArticle: "The article's switch"}
	traces = map[string]string{"article": "article: the article's month", "total": "total: no Spot for hours, four times a month", "partial": "partial: half to all, changing by the minute",
		"flap": "flap: comes and goes in bursts", "article3": "article3: three zones", "sweep": "sweep: three zones, one after the other", "diurnal": "diurnal: demand follows the day",
		"calm": "calm: nothing happens"}
)

// Policies are what can be played: the presets that act, and the rivals.
func Policies() []Contestant {
	var out []Contestant
	for _, name := range replay.Names() {
		p, err := replay.ByName(name)
		if err != nil || name == failover.PresetObserve {
			continue // perfect foresight is no policy; observe does what Spot alone does
		}
		_, own := failover.Preset(name)
		c := Contestant{Name: name, Title: name, Doc: p.Doc, Own: own}
		if own {
			c.Title, c.Doc = "Backstop, preset "+name, presets[name]
		} else if title, ok := titles[name]; ok {
			c.Title = title
		}
		c.Doc = wording.UpperFirst(c.Doc)
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Contestant) int { return place(a.Name) - place(b.Name) })
	return out
}

// place is where a policy stands: those that the page begins with before the others.
func place(name string) int {
	if i := slices.Index(Defaults(), name); i >= 0 {
		return i
	}
	return len(Defaults())
}

// Traces are the built-in traces.
func Traces() []Contestant {
	var out []Contestant
	for _, b := range trace.Builtins() {
		out = append(out, Contestant{Name: b.Name, Title: cmp.Or(traces[b.Name], b.Name), Doc: b.Doc})
	}
	return out
}

// Course is a trace as the page draws it.
type Course struct {
	Seconds float64 `json:"seconds"`
	// Times are in seconds; Capacity and Demand hold from each on. Capacity is -1 where nothing limits it.
	Times    []float64 `json:"times"`
	Capacity []int     `json:"capacity"`
	Demand   []int     `json:"demand"`
	Tasks    int       `json:"tasks"` // the demand, or its greatest
	Zones    int       `json:"zones"`
	Notes    []string  `json:"notes"`
	// OracleUSD is what perfect foresight would pay, AllOnDemandUSD what on-demand alone costs.
	OracleUSD      float64 `json:"oracle_usd"`
	AllOnDemandUSD float64 `json:"all_on_demand_usd"`
	OracleSpot     float64 `json:"oracle_spot_share"`
}

func courseOf(run replay.Run) Course {
	t := run.Trace
	oracle := replay.Oracle(run)
	c := Course{Seconds: t.Duration.Seconds(), Tasks: run.Tasks, Notes: append([]string{}, t.Notes...), OracleUSD: oracle.CostUSD, AllOnDemandUSD: oracle.OnDemandUSD,
		OracleSpot: oracle.SpotShare}
	if t.Demanded() {
		c.Tasks = t.DemandMax()
	}
	for _, pool := range t.Pools() {
		c.Zones += len(t.Zones(pool))
	}
	demand := t.Column(trace.Demand, "")
	for i, at := range t.At {
		if at > t.Duration {
			break
		}
		wanted := run.Tasks
		if demand >= 0 {
			wanted = t.Value(i, demand)
		}
		capacity := replay.SpotCapacity(t, i)
		if n := len(c.Times); n > 0 && c.Capacity[n-1] == capacity && c.Demand[n-1] == wanted {
			continue
		}
		c.Times, c.Capacity, c.Demand = append(c.Times, rounded(at)), append(c.Capacity, capacity), append(c.Demand, wanted)
	}
	return c
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// rounded is a moment in seconds, to the millisecond.
func rounded(at time.Duration) float64 { return float64(at.Milliseconds()) / 1000 }

// Defaults are the policies that the page begins with.
func Defaults() []string {
	return []string{failover.PresetFill, replay.RivalSpot, failover.PresetSwitch, replay.RivalOnDemand}
}
