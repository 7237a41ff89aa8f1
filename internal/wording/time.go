package wording

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Span writes a duration in at most two units, without units that are 0: 45s, 12m30s, 2h20m, 3d4h.
func Span(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	two := func(n int64, unit string, rest int64, smaller string) string {
		if rest == 0 {
			return fmt.Sprintf("%d%s", n, unit)
		}
		return fmt.Sprintf("%d%s%d%s", n, unit, rest, smaller)
	}
	s := int64(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return two(s/60, "m", s%60, "s")
	case s < 48*3600:
		return two(s/3600, "h", s%3600/60, "m")
	}
	return two(s/86400, "d", s%86400/3600, "h")
}

// Ago says how long ago something was.
func Ago(now, at time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return "never"
	case d <= -time.Second:
		return "in " + Span(-d)
	case d < time.Second:
		return "just now"
	default:
		return Span(d) + " ago"
	}
}

// HealthAsOf says of when the health behind the counts is, where it is older than a look at a quiet workload may be: it is then read less
// often than the counts. Empty: it is as new as they are, or there is none.
func HealthAsOf(now, at time.Time) string {
	if at.IsZero() || now.Sub(at) < time.Minute {
		return ""
	}
	return "health as of " + Clock(at)
}

// Moment writes a time in full, in UTC.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// Clock writes the time of a day, in UTC.
func Clock(t time.Time) string { return t.UTC().Format("15:04:05Z") }

// Count writes a number with its noun: 1 task, 12 tasks.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// namesMax is how many names a text has.
const namesMax = 3

// Some lists names, the first few of many.
func Some(names []string) string {
	if len(names) <= namesMax {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:namesMax], ", "), len(names)-namesMax)
}

// Near lists names like [Some], first those that begin as a name that is not among them does.
func Near(name string, names []string) string {
	common := func(s string) int {
		n := 0
		for n < min(len(s), len(name)) && s[n] == name[n] {
			n++
		}
		return n
	}
	return Some(slices.SortedStableFunc(slices.Values(names), func(a, b string) int { return common(b) - common(a) }))
}

// UpperFirst begins a sentence, but for a word such as vCPU.
func UpperFirst(s string) string {
	if s == "" || len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// LowerFirst continues a sentence, but for a name such as AWS.
func LowerFirst(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	for _, name := range []string{"Spot ", "Fargate "} {
		if strings.HasPrefix(s, name) {
			return s
		}
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + Clock(t)
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + Clock(t)
}
