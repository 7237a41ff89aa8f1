package tunable

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// FieldKind says what values a field takes and how they are written.
type FieldKind string

// Field kinds, and how a value of each is written.
const (
	KindDuration FieldKind = "duration" // with its unit: 90s, 10m, 1h30m
	KindInt      FieldKind = "int"      // a whole number
	KindShare    FieldKind = "share"    // a number, 1 being the whole
	KindUSD      FieldKind = "usd"      // US dollars
	KindBool     FieldKind = "bool"     // true or false
	KindEnum     FieldKind = "enum"     // one of Field.Values
	KindName     FieldKind = "name"     // the name of a pool
)

// Field is one tunable of [failover.Policy]: its name, unit, range, meaning and the reason for its default. The list of
// them ([Fields]) is what the configuration, its reference, its schema and parameter sweeps are made of.
type Field struct {
	// Key is the name in files and in JSON.
	Key  string
	Kind FieldKind
	// Group is the part of the law that the field belongs to: workload, readiness, cover, tiers, switch, money or services.
	Group string
	// Unit is what a number counts, for people; empty where the kind says it all.
	Unit string
	// Doc says what the field does, Why why the default is what it is.
	Doc, Why string
	// Min and Max bound a number, both included; of a duration, in seconds.
	Min, Max float64
	// Values are the values of an enum.
	Values []string

	at func(*failover.Policy) any
}

// Fields lists every tunable of [failover.Policy], that is, all of it but Pools and Preset. The order is that of the
// struct. The caller may keep and change the slice.
func Fields() []Field {
	return slices.Concat(workloadFields(), readyFields(), coverFields(), tierFields(), tripFields(), proofFields(), guardFields())
}

// FieldByKey returns the field with that key.
func FieldByKey(key string) (Field, bool) {
	for _, f := range Fields() {
		if f.Key == key {
			return f, true
		}
	}
	return Field{}, false
}

// Get returns the field's value in p, written as [Field.Set] reads it.
func (f Field) Get(p *failover.Policy) string {
	switch v := f.at(p).(type) {
	case *time.Duration:
		return writeDuration(*v)
	case *int:
		return strconv.Itoa(*v)
	case *float64:
		return strconv.FormatFloat(*v, 'g', -1, 64)
	case *bool:
		return strconv.FormatBool(*v)
	case *string:
		return *v
	case *failover.OnBudget:
		return string(*v)
	}
	return ""
}

// Set reads a value as it is written in a file or in key=value, checks its range and puts it into p. The error
// names the field, the problem and the value; p is then unchanged.
func (f Field) Set(p *failover.Policy, value string) error {
	if problem := f.read(f.at(p), value); problem != "" {
		return fmt.Errorf("set %s: %s (got %q)", f.Key, problem, value)
	}
	return nil
}

// Check returns what is wrong with a value for the field, or "" when [Field.Set] would take it.
func (f Field) Check(value string) string {
	var p failover.Policy
	return f.read(f.at(&p), value)
}

// Range returns in words what values the field takes.
func (f Field) Range() string {
	switch f.Kind {
	case KindBool:
		return "true or false"
	case KindEnum:
		return strings.Join(f.Values, " or ")
	case KindName:
		return "a pool's name"
	}
	low, high := f.bounds()
	return low + " to " + high
}

func (f Field) bounds() (low, high string) {
	if f.Kind == KindDuration {
		return writeDuration(seconds(f.Min)), writeDuration(seconds(f.Max))
	}
	return strconv.FormatFloat(f.Min, 'f', -1, 64), strconv.FormatFloat(f.Max, 'f', -1, 64)
}

// read puts the value where at points and returns "", or returns what is wrong and changes nothing.
func (f Field) read(at any, value string) (problem string) {
	switch to := at.(type) {
	case *time.Duration:
		d, err := time.ParseDuration(value)
		if _, bare := strconv.ParseFloat(value, 64); bare == nil && value != "0" {
			return fmt.Sprintf("must carry its unit, as in %q", value+"s")
		}
		if err != nil {
			return `must be a duration such as "90s", "10m" or "1h30m"`
		}
		if problem := f.outside(d.Seconds()); problem != "" {
			return problem
		}
		*to = d
	case *int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return "must be a whole number"
		}
		if problem := f.outside(float64(n)); problem != "" {
			return problem
		}
		*to = n
	case *float64:
		x, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(x) {
			return "must be a number"
		}
		if problem := f.outside(x); problem != "" {
			return problem
		}
		*to = x
	case *bool:
		if value != "true" && value != "false" {
			return "must be true or false"
		}
		*to = value == "true"
	case *string:
		*to = value
	case *failover.OnBudget:
		if !slices.Contains(f.Values, value) {
			return "must be " + f.Range()
		}
		*to = failover.OnBudget(value)
	}
	return ""
}

func (f Field) outside(x float64) string {
	if x >= f.Min && x <= f.Max {
		return ""
	}
	low, high := f.bounds()
	return fmt.Sprintf("must be between %s and %s", low, high)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// writeDuration writes a duration without the zero parts that [time.Duration.String] has: 10m, not 10m0s.
func writeDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
