package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

type filterInput struct {
	logEventsInput
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	FilterPattern       string   `json:"filterPattern"`
}

type filteredEvent struct {
	LogStreamName string `json:"logStreamName"`
	EventID       string `json:"eventId"`
	logEvent
}

type filterOutput struct {
	Events             []filteredEvent `json:"events"`
	SearchedLogStreams []string        `json:"searchedLogStreams"`
	NextToken          string          `json:"nextToken,omitempty"`
}

// filterLogEvents shows the lines of a group's streams by time. A pattern is one term that a line must contain; there are no others here.
func (s *Sandbox) filterLogEvents(c *call, in *filterInput) (*filterOutput, error) {
	group, limit, refused := s.logRead(c, &in.logEventsInput)
	switch {
	case refused != nil:
		return nil, refused
	case len(in.LogStreamNames) > 100 || len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "":
		return nil, refuse("InvalidParameterException", "At most 100 logStreamNames, or logStreamNamePrefix")
	case strings.ContainsAny(in.FilterPattern, `{}[]?%" `):
		return nil, refuse("InvalidParameterException", "Invalid filter pattern: the sandbox knows single terms")
	}
	for _, name := range in.LogStreamNames {
		if _, ok := s.logStream(c, group, name); !ok {
			return nil, refuse("ResourceNotFoundException", "The specified log stream does not exist.")
		}
	}
	var all []filteredEvent
	s.world.Printing(func(t *ecsim.Task, prints []ecsim.Print) {
		name, ok := s.streamOf(t, c.region, group)
		if !ok || !strings.HasPrefix(name, in.LogStreamNamePrefix) || len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, name) || t.StartedAt.IsZero() {
			return
		}
		for i, e := range printed(t, prints, c.now) {
			if (in.StartTime == nil || e.Timestamp >= *in.StartTime) && (in.EndTime == nil || e.Timestamp < *in.EndTime) && strings.Contains(e.Message, in.FilterPattern) {
				all = append(all, filteredEvent{name, t.ID + fmt.Sprintf("%024d", i), e})
			}
		}
	})
	slices.SortFunc(all, func(a, b filteredEvent) int {
		return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), cmp.Compare(a.EventID, b.EventID))
	})
	from, err := strconv.Atoi(orDefault(in.NextToken, "0"))
	if err != nil || from < 0 || from > len(all) {
		return nil, refuse("InvalidParameterException", "The specified nextToken is invalid.")
	}
	out := &filterOutput{Events: []filteredEvent{}, SearchedLogStreams: []string{}}
	out.Events = append(out.Events, all[from:min(len(all), from+limit)]...)
	if from+limit < len(all) {
		out.NextToken = strconv.Itoa(from + limit)
	}
	return out, nil
}
