package simulate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// Limits of a file of recorded events.
const (
	eventLineMax = 4 << 20 // bytes; an event has at most 256 KiB, and is quoted when it stands inside another one
	eventsMax    = 2_000_000
	// eventBytesMax bounds the file: as many events, of 2 KiB each.
	eventBytesMax = 4 << 30
)

// FromEvents rebuilds the capacity that Spot showed from recorded ECS events. It reads EventBridge events as JSON, one a line (as an
// archive or a log group gives them), with or without a timestamp before each as CloudWatch Logs exports them, or the answer of
// `aws logs filter-log-events`. tasks is how many were wanted while they were recorded.
//
// What ran is known, what could have run is not: from the first loss or failed placement Spot is taken to hold exactly what ran, until as
// many run as before it or ECS says that the service is steady; otherwise nothing is taken to limit it. So the trace is a lower bound of
// the capacity, and its notes say for how much of the time it is one. Tasks that ran throughout without an event are not in the record:
// the difference between the most that was seen and tasks is taken to have run all the time.
func FromEvents(r io.Reader, name string, tasks int) (*trace.Trace, error) {
	signals, unread, err := readEvents(r)
	if err != nil {
		return nil, fmt.Errorf("read events %s: %w", name, err)
	}
	signals = spotOnly(signals)
	if len(signals) == 0 {
		return nil, fmt.Errorf("read events %s: no event of a Fargate Spot task or service in it (%d lines were no events)", name, unread)
	}
	return rebuild(signals, name, tasks, unread), nil
}

func readEvents(r io.Reader) (signals []failover.Signal, unread int, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), eventLineMax)
	var whole []byte // a JSON document over several lines
	other := 0       // bytes of lines that are no events
	take := func(body []byte) bool {
		if s, ok, err := ecsevent.Parse(body); err == nil {
			if ok {
				signals = append(signals, s)
			}
			return true
		}
		return false
	}
	for in.Scan() {
		line := bytes.TrimSpace(in.Bytes())
		i := bytes.IndexByte(line, '{')
		switch {
		case len(signals) >= eventsMax:
			return nil, 0, fmt.Errorf("more than %d events", eventsMax)
		case i >= 0 && len(whole) == 0 && take(line[i:]):
		case len(signals) == 0 && other+len(line) >= fileMax:
			return nil, unread, fmt.Errorf("no event in its first %d bytes", other)
		case len(line) > 0 && other+len(line) < fileMax:
			if len(whole) == 0 || whole[0] == '{' || whole[0] == '[' { // what begins otherwise never becomes a document
				whole = append(append(whole, line...), '\n')
			}
			other += len(line) + 1
			unread++
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, 0, fmt.Errorf("a line is longer than %d bytes", eventLineMax)
	case err != nil:
		return nil, 0, err
	}
	var answer struct {
		Events []struct {
			Message string `json:"message"`
		} `json:"events"`
	}
	var list []json.RawMessage
	switch {
	case json.Unmarshal(whole, &answer) == nil && len(answer.Events) > 0:
		unread = 0
		for _, e := range answer.Events {
			if !take([]byte(e.Message)) {
				unread++
			}
		}
	case json.Unmarshal(whole, &list) == nil:
		unread = 0
		for _, e := range list {
			if !take(e) {
				unread++
			}
		}
	case len(signals) == 0 && unread > 0:
		return nil, unread, fmt.Errorf("neither events one a line nor a JSON document of them (%w)", where(whole))
	}
	return signals, unread, nil
}

// where says at what line a JSON document is broken. Empty lines before it are not counted.
func where(text []byte) error {
	var broken *json.SyntaxError
	text = bytes.TrimSpace(text)
	if err := json.Unmarshal(text, new(json.RawMessage)); errors.As(err, &broken) {
		return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:min(int(broken.Offset), len(text))], []byte("\n")), err)
	}
	return errors.New("it is JSON, but neither an array of events nor has it a list \"events\"")
}

// spotOnly keeps what Spot tasks and the services they belong to say, in order, each fact once.
func spotOnly(signals []failover.Signal) []failover.Signal {
	spot := map[string]bool{}
	for i := range signals {
		if s := &signals[i]; s.Task != "" && s.Capacity == failover.Spot {
			spot[s.Cluster+"/"+s.Service] = true
		}
	}
	seen := map[string]bool{}
	out := slices.DeleteFunc(signals, func(s failover.Signal) bool {
		key := s.ID
		if s.Task != "" {
			key = string(s.Kind) + "/" + s.Task
		}
		keep := !seen[key] && (s.Capacity == failover.Spot || s.Capacity == "" && s.Task == "" && spot[s.Cluster+"/"+s.Service])
		seen[key] = true
		return !keep
	})
	slices.SortStableFunc(out, func(a, b failover.Signal) int { return a.At.Compare(b.At) })
	return out
}

// ranBefore are the tasks that ran before the record began.
func ranBefore(signals []failover.Signal, begin time.Time) map[string]bool {
	running := map[string]bool{}
	met := map[string]bool{}
	for i := range signals {
		s := &signals[i]
		if s.Task == "" || met[s.Task] {
			continue
		}
		met[s.Task] = true
		if s.Kind != failover.SignalRunning && !s.StartedAt.IsZero() && s.StartedAt.Before(begin) {
			running[s.Task] = true
		}
	}
	return running
}

// rebuild turns signals in order of time into a trace.
func rebuild(signals []failover.Signal, name string, tasks, unread int) *trace.Trace {
	begin, end := signals[0].At, signals[len(signals)-1].At
	running := ranBefore(signals, begin)
	most, held := len(running), len(running)
	type point struct {
		at      time.Time
		limited bool
		held    int
	}
	points := []point{{begin, false, held}}
	limited, before := false, 0
	for i := range signals {
		s := &signals[i]
		ran := running[s.Task]
		switch s.Kind {
		case failover.SignalRunning:
			running[s.Task] = true
		case failover.SignalSteadyState:
			limited = false
		case failover.SignalInterruption, failover.SignalPlacementFailure, failover.SignalCapacityStop:
			if !limited {
				limited, before = true, held
			}
			delete(running, s.Task)
		case failover.SignalScaleIn, failover.SignalOperatorStop, failover.SignalApplicationStop:
			if ran {
				before-- // fewer were wanted, or it failed by itself: Spot took nothing
			}
			delete(running, s.Task)
		default:
			continue
		}
		held = len(running)
		most = max(most, held)
		if limited && held >= before && s.Kind == failover.SignalRunning {
			limited = false
		}
		points = append(points, point{s.At, limited, held})
	}
	unseen := max(0, tasks-most)
	t := &trace.Trace{Name: name, Columns: []trace.Column{{Pool: trace.Spot}}, Duration: end.Sub(begin)}
	var bound time.Duration
	for i, p := range points {
		at, v := p.at.Sub(begin), trace.NoLimit
		if p.limited {
			v = p.held + unseen
			next := end
			if i+1 < len(points) {
				next = points[i+1].at
			}
			bound += next.Sub(p.at)
		}
		if n := len(t.At); n > 0 && t.At[n-1] == at {
			t.Values[n-1] = v
		} else if n == 0 || t.Values[n-1] != v {
			t.At, t.Values = append(t.At, at), append(t.Values, v)
		}
	}
	t.Notes = []string{
		fmt.Sprintf("rebuilt from %d recorded events of %s to %s; %d lines were not events", len(signals), begin.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339), unread),
		fmt.Sprintf("a lower bound: for %s of %s Spot is taken to hold what ran, though it may have held more", bound.Round(time.Second), t.Duration.Round(time.Second)),
		fmt.Sprintf("%d of %d tasks were never seen in an event and are taken to have run all the time", unseen, tasks),
	}
	return t
}
