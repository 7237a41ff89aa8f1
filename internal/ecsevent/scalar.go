package ecsevent

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types of this file decode a JSON value of the kind that is expected and are empty for any other:
// one odd field must not cost us an event whose other fields say that a task is about to be stopped.

// text is a JSON string.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	return nil
}

// texts is a list of JSON strings; members of another kind are left out.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	*t = nil
	if len(b) == 0 || b[0] != '[' {
		return nil
	}
	var all []text
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, s := range all {
		if s != "" {
			*t = append(*t, string(s))
		}
	}
	return nil
}

// number is a whole number that is not negative, as a JSON number or in a string; 0 for anything else.
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	*n = 0
	if v, err := strconv.ParseInt(string(bytes.Trim(b, `"`)), 10, 64); err == nil && v > 0 {
		*n = number(v)
	}
	return nil
}

// timestamp is a moment: ISO 8601 in events, seconds since 1970 in API answers, milliseconds in some logs.
// Anything else is the zero time.
type timestamp struct{ time.Time }

// layouts are the forms of ISO 8601 that were seen or are likely; time.Parse takes a fraction of a second
// after the seconds in each.
var layouts = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05-0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
}

func (t *timestamp) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	s := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	t.Time = parseTime(strings.TrimSpace(s))
	return nil
}

// Bounds of a plausible moment in seconds since 1970: ECS is younger than 2014 and year 9999 is the last one
// that JSON can carry. What is above is taken for milliseconds.
const (
	secondsMin      = 1.3e9
	secondsMax      = 1e11
	millisecondsMax = 2.5e14
)

func parseTime(s string) time.Time {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case v >= secondsMin && v < secondsMax:
			whole, frac := math.Modf(v)
			return time.Unix(int64(whole), int64(math.Round(frac*1e3))*1e6).UTC()
		case v >= secondsMax && v < millisecondsMax:
			return time.UnixMilli(int64(v)).UTC()
		}
		return time.Time{}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil && t.Year() >= 2000 && t.Year() <= 9999 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// exits says whether any container of a task has an exit code, which only one that ran has.
type exits bool

func (x *exits) UnmarshalJSON(b []byte) error {
	*x = false
	if len(b) == 0 || b[0] != '[' {
		return nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, raw := range all {
		var c struct {
			ExitCode *float64 `json:"exitCode"`
		}
		if json.Unmarshal(raw, &c) == nil && c.ExitCode != nil {
			*x = true
		}
	}
	return nil
}
