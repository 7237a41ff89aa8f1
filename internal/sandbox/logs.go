package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// logOperations are what there is of CloudWatch Logs: what a container's command prints (program.go) can be read, for as long as ECS shows its task.
var logOperations = map[string]operation{
	"GetLogEvents":    op((*Sandbox).getLogEvents),
	"FilterLogEvents": op((*Sandbox).filterLogEvents),
}

const (
	// logReadsPerSecond is the quota of reads in an account and region (S41).
	logReadsPerSecond = 25
	// logDelayLeast and logDelaySpread are how long a line takes until it can be read (S42).
	logDelayLeast, logDelaySpread = 2 * time.Second, 6 * time.Second
	// logPageMax is the most events of one answer (CloudWatch Logs API reference).
	logPageMax = 10_000
	// logTokenLife is how long a token can be used (S43).
	logTokenLife = 24 * time.Hour
	logDriver    = "awslogs"
)

// logReads is the token bucket of a region's reads.
type logReads struct {
	left float64
	at   time.Time
}

func (b *logReads) take(now time.Time) bool {
	b.left = min(logReadsPerSecond, b.left+now.Sub(b.at).Seconds()*logReadsPerSecond)
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

type logEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

type logEventsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"`
	EndTime            *int64 `json:"endTime"`
	Limit              *int   `json:"limit"`
	StartFromHead      bool   `json:"startFromHead"`
	NextToken          string `json:"nextToken"`
}

type logEventsOutput struct {
	Events            []logEvent `json:"events"`
	NextForwardToken  string     `json:"nextForwardToken"`
	NextBackwardToken string     `json:"nextBackwardToken"`
}

func (s *Sandbox) getLogEvents(c *call, in *logEventsInput) (*logEventsOutput, error) {
	group, limit, refused := s.logRead(c, in)
	if refused == nil && in.LogStreamName == "" {
		refused = refuse("InvalidParameterException", "logStreamName must be given")
	}
	if refused != nil {
		return nil, refused
	}
	all, ok := s.logStream(c, group, in.LogStreamName)
	if !ok {
		return nil, refuse("ResourceNotFoundException", "The specified log stream does not exist.")
	}
	return in.page(all, limit, c.now)
}

// logRead takes a read from the quota, and returns the group that it names and how many events it wants at most.
func (s *Sandbox) logRead(c *call, in *logEventsInput) (group string, limit int, refused *apiError) {
	reads := s.logReads[c.region]
	if reads == nil {
		reads = &logReads{logReadsPerSecond, c.now}
		s.logReads[c.region] = reads
	}
	if !s.opts.NoThrottle && !reads.take(c.now) {
		return "", 0, refuse("ThrottlingException", "Rate exceeded")
	}
	group = orDefault(in.LogGroupName, in.LogGroupIdentifier[strings.LastIndexByte(in.LogGroupIdentifier, ':')+1:])
	if group == "" {
		return "", 0, refuse("InvalidParameterException", "logGroupName or logGroupIdentifier must be given")
	}
	limit = logPageMax
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > logPageMax {
		return "", 0, refuse("InvalidParameterException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint", limit)
	}
	return group, limit, nil
}

// logToken is a place between two events of a stream, with the second of its making; what is later than it comes behind it.
func logToken(kind string, place int, now time.Time) string {
	return fmt.Sprintf("%s/%012d%044d", kind, now.Unix(), place)
}

// readToken returns what a token says; ok is false where it is none, or no longer one.
func readToken(token string, now time.Time) (kind string, place int, ok bool) {
	kind, digits, _ := strings.Cut(token, "/")
	if len(digits) != 56 || kind != "f" && kind != "b" {
		return "", 0, false
	}
	made, err := strconv.ParseInt(digits[:12], 10, 64)
	place, wrong := strconv.Atoi(digits[12:])
	return kind, place, err == nil && wrong == nil && place >= 0 && now.Sub(time.Unix(made, 0)) < logTokenLife
}

// page returns the part of a stream that a call asks for. Where there is none, its token comes back as it was.
func (in *logEventsInput) page(all []logEvent, limit int, now time.Time) (*logEventsOutput, error) {
	from, to := 0, len(all)
	kind, n, ok := readToken(in.NextToken, now)
	switch {
	case in.NextToken == "" && !in.StartFromHead:
		from = max(0, to-limit)
	case in.NextToken == "":
		to = min(to, limit)
	case !ok || n > len(all):
		return nil, refuse("InvalidParameterException", "The specified nextToken is invalid.")
	case kind == "f":
		from, to = n, min(len(all), n+limit)
	default:
		from, to = max(0, n-limit), n
	}
	out := &logEventsOutput{Events: []logEvent{}, NextForwardToken: logToken("f", to, now), NextBackwardToken: logToken("b", from, now)}
	switch {
	case kind == "f" && to == n:
		out.NextForwardToken = in.NextToken
	case kind == "b" && from == n:
		out.NextBackwardToken = in.NextToken
	}
	for _, e := range all[from:to] {
		if (in.StartTime == nil || e.Timestamp >= *in.StartTime) && (in.EndTime == nil || e.Timestamp < *in.EndTime) {
			out.Events = append(out.Events, e)
		}
	}
	return out, nil
}

// logStream is what can be read by now of a stream PREFIX/CONTAINER/TASK; ok is false while nothing of its container has arrived.
func (s *Sandbox) logStream(c *call, group, name string) (events []logEvent, ok bool) {
	id := name[lastSlash(name)+1:]
	for region := range s.regions {
		t, prints, found := s.world.Printed(region, id)
		if !found {
			continue
		}
		if of, logs := s.streamOf(&t, c.region, group); !logs || of != name || t.StartedAt.IsZero() || c.now.Before(t.StartedAt.Add(logDelay(id, 0))) {
			return nil, false
		}
		return printed(&t, prints, c.now), true
	}
	return nil, false
}

// printed is what of a task's lines has arrived, in order.
func printed(t *ecsim.Task, prints []ecsim.Print, now time.Time) (events []logEvent) {
	var arrived time.Time
	for i, p := range prints {
		at := t.StartedAt.Add(p.After)
		if end := t.ExecutionStoppedAt; !end.IsZero() && at.After(end) {
			break
		}
		if visible := at.Add(logDelay(t.ID, i+1)); visible.After(arrived) {
			arrived = visible
		}
		if arrived.After(now) {
			break
		}
		events = append(events, logEvent{at.UnixMilli(), p.Text, arrived.UnixMilli()})
	}
	return events
}

// logDelay is how long the nth thing of a task's log takes to arrive, always the same.
func logDelay(id string, n int) time.Duration {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s/%d", id, n) // a hash takes all
	return logDelayLeast + time.Duration(h.Sum32())%logDelaySpread
}

// streamOf is the name of a task's stream, if its container writes to a group in a region. A group that a task definition names is there.
func (s *Sandbox) streamOf(t *ecsim.Task, region, group string) (name string, ok bool) {
	d, err := s.world.DescribeTaskDefinition(t.Region, t.TaskDefinition[lastSlash(t.TaskDefinition)+1:])
	var in taskDefinitionInput
	if err != nil || json.Unmarshal(d.Raw, &in) != nil {
		return "", false
	}
	for i := range in.ContainerDefinitions {
		l := &in.ContainerDefinitions[i].LogConfiguration
		if in.ContainerDefinitions[i].Name == d.Container && l.LogDriver == logDriver && l.Options["awslogs-group"] == group && l.Options["awslogs-stream-prefix"] != "" &&
			orDefault(l.Options["awslogs-region"], t.Region) == region {
			return l.Options["awslogs-stream-prefix"] + "/" + d.Container + "/" + t.ID, true
		}
	}
	return "", false
}
