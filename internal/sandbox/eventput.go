package sandbox

import (
	"encoding/json"
	"strings"
	"time"
)

// Limits of PutEvents (EventBridge API reference and quotas).
const (
	putEntriesMax = 10
	putBytesMax   = 1 << 20 // of the entries of a request, which must be below it
)

// putEntry is an event as PutEvents takes it.
type putEntry struct {
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
	Time                                     *float64
	TraceHeader                              string
}

// putResult is what became of an entry: an event with an id, or an error.
type putResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putEventsOutput struct {
	FailedEntryCount int
	Entries          []putResult
}

// putEvents takes events of the account's own. Each entry stands alone: one that is refused keeps no other back.
func putEvents(s *Sandbox, c *call, in *struct{ Entries []putEntry }) (*putEventsOutput, error) {
	bound := ""
	switch {
	case len(in.Entries) == 0:
		bound = "greater than or equal to 1"
	case len(in.Entries) > putEntriesMax:
		bound = "less than or equal to 10"
	}
	if bound != "" {
		return nil, refuse("ValidationException", "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed to satisfy constraint: Member must have length %s", bound)
	}
	total := 0
	for i := range in.Entries {
		total += in.Entries[i].size()
	}
	if total >= putBytesMax {
		return nil, refuse("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	out := &putEventsOutput{}
	for i := range in.Entries {
		e := &in.Entries[i]
		result := e.refused(c.region, s.account())
		if result.ErrorCode == "" {
			result.EventId = s.newID()
			if e.onDefaultBus(c.region, s.account()) {
				routeEvent(s, c.region, e.event(result.EventId, s.account(), c), c.now, false)
			}
		} else {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, result)
	}
	return out, nil
}

// size is an entry's, as EventBridge reckons it.
func (e *putEntry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// refused says why an entry is not taken; without a code it is.
func (e *putEntry) refused(region, account string) putResult {
	for _, field := range [][2]string{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if field[1] == "" {
			return putResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter " + field[0] + " is not valid. Reason: " + field[0] + " is a required argument."}
		}
	}
	var detail map[string]any
	switch {
	case json.Unmarshal([]byte(e.Detail), &detail) != nil:
		return putResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	case strings.HasPrefix(e.Source, "aws."):
		return putResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case strings.HasPrefix(e.EventBusName, "arn:") && !strings.HasPrefix(e.EventBusName, busARN(region, account, "")):
		return putResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter EventBusName is not valid. Reason: the sandbox has event buses of its own account and of the region asked only."}
	}
	return putResult{}
}

func busARN(region, account, name string) string {
	return "arn:aws:events:" + region + ":" + account + ":event-bus/" + name
}

// onDefaultBus reports whether an entry is for the one bus that the sandbox has. What is for another has no rule to match it, and is taken, as on AWS.
func (e *putEntry) onDefaultBus(region, account string) bool {
	return e.EventBusName == "" || e.EventBusName == defaultBus || e.EventBusName == busARN(region, account, defaultBus)
}

// event is the event that an entry makes.
func (e *putEntry) event(id, account string, c *call) []byte {
	at := c.now
	if e.Time != nil {
		at = time.UnixMilli(int64(*e.Time * 1000))
	}
	out := envelope{Version: "0", ID: id, DetailType: e.DetailType, Source: e.Source, Account: account, Time: at.UTC().Format(time.RFC3339),
		Region: c.region, Resources: append([]string{}, e.Resources...), Detail: json.RawMessage(e.Detail)}
	body, err := json.Marshal(out)
	if err != nil { // Detail was read before: always encodes
		return nil
	}
	return body
}

func tooManyRuleTags() *apiError {
	return refuse("ValidationException", "The number of tags of a rule is at most %d.", tagsMax)
}

// taggedRule finds the rule whose tags a call is about.
func taggedRule(s *Sandbox, c *call, arn string) (*rule, error) {
	prefix := s.ruleARN(c.region, "")
	name, ours := strings.CutPrefix(arn, prefix)
	switch {
	case arn == "":
		return nil, refuse("ValidationException", "1 validation error detected: Value null at 'resourceARN' failed to satisfy constraint: Member must not be null")
	case !ours:
		return nil, refuse("ResourceNotFoundException", "Resource %s does not exist.", clip(arn))
	}
	return s.ruleAt(c, strings.TrimPrefix(name, defaultBus+"/"))
}

func tagRule(s *Sandbox, c *call, in *ruleInput) (empty, error) {
	r, err := taggedRule(s, c, in.ResourceARN)
	if err != nil {
		return empty{}, err
	}
	tags := withTags(r.tags, in.Tags)
	if len(tags) > tagsMax {
		return empty{}, tooManyRuleTags()
	}
	r.tags = tags
	return empty{}, nil
}

func untagRule(s *Sandbox, c *call, in *ruleInput) (empty, error) {
	r, err := taggedRule(s, c, in.ResourceARN)
	if err != nil {
		return empty{}, err
	}
	r.tags = withoutTags(r.tags, in.TagKeys)
	return empty{}, nil
}

func listTagsOfRule(s *Sandbox, c *call, in *ruleInput) (map[string]any, error) {
	r, err := taggedRule(s, c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Tags": append([]tag{}, r.tags...)}, nil
}
