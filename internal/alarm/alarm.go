// Package alarm evaluates CloudWatch alarms as AWS documents it, on metrics that a test or a played outage has put
// together. It takes an alarm's own definition, as Terraform renders it, so that what is proved of an alarm is proved of
// the one that is installed.
//
// It knows standard-resolution alarms with a sliding window on one metric or on one expression, the statistics Sum,
// Average, Minimum, Maximum and SampleCount, and of metric math what terraform/alarms.tf uses. What AWS leaves open is in
// docs/aws-assumptions.md (T10, T25 to T27). It does no I/O and reads no clock.
package alarm

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// State is a state of an alarm, in CloudWatch's words.
type State string

// States.
const (
	OK           State = "OK"
	Alarming     State = "ALARM"
	Insufficient State = "INSUFFICIENT_DATA"
)

// Treatments of missing data, in CloudWatch's words.
const (
	Missing      = "missing"
	Ignore       = "ignore"
	Breaching    = "breaching"
	NotBreaching = "notBreaching"
)

// rangeExtra is by how many periods the evaluation range is longer than the evaluation periods: AWS's examples have 5
// for 3, and the exact number is not documented.
const rangeExtra = 2

// Metric names one metric and what is made of its samples in each period.
type Metric struct {
	Namespace  string            `json:"namespace"`
	Name       string            `json:"metric_name"`
	Dimensions map[string]string `json:"dimensions"`
	Stat       string            `json:"stat"`
	// Period is in seconds, a multiple of 60.
	Period int `json:"period"`

	key string
}

// Query is one metric or the one expression of an alarm with metric math.
type Query struct {
	ID         string   `json:"id"`
	Expression string   `json:"expression"`
	Return     bool     `json:"return_data"`
	Metric     []Metric `json:"metric"`
}

// Alarm is an alarm's definition, with the keys of Terraform's aws_cloudwatch_metric_alarm.
type Alarm struct {
	Name        string            `json:"alarm_name"`
	Namespace   string            `json:"namespace"`
	Metric      string            `json:"metric_name"`
	Dimensions  map[string]string `json:"dimensions"`
	Statistic   string            `json:"statistic"`
	Period      int               `json:"period"`
	Queries     []Query           `json:"metric_query"`
	Periods     int               `json:"evaluation_periods"`
	ToAlarm     int               `json:"datapoints_to_alarm"`
	Threshold   float64           `json:"threshold"`
	Comparison  string            `json:"comparison_operator"`
	TreatAbsent string            `json:"treat_missing_data"`

	metrics map[string]Metric // by id; of an alarm without expression under "m"
	expr    node
}

// Parse reads a list of alarms and checks that each is one that this package knows.
func Parse(data []byte) ([]Alarm, error) {
	var all []Alarm
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	for i := range all {
		if err := all[i].check(); err != nil {
			return nil, fmt.Errorf("read alarm %s: %w", all[i].Name, err)
		}
	}
	return all, nil
}

func (a *Alarm) check() error {
	expression := "m"
	a.metrics = map[string]Metric{}
	if len(a.Queries) == 0 {
		a.metrics["m"] = Metric{Namespace: a.Namespace, Name: a.Metric, Dimensions: a.Dimensions, Stat: a.Statistic, Period: a.Period}
	}
	for _, q := range a.Queries {
		switch {
		case q.Expression != "" && !q.Return, len(q.Metric) > 1, q.Return && q.Expression == "":
			return fmt.Errorf("query %s: only one expression over single metrics is known", q.ID)
		case q.Return:
			expression = q.Expression
		default:
			a.metrics[q.ID] = q.Metric[0]
			a.Period = q.Metric[0].Period
		}
	}
	for id, m := range a.metrics {
		m.key = key(m.Namespace, m.Name, m.Dimensions)
		a.metrics[id] = m
		if m.Period <= 0 || m.Period%60 != 0 || m.Period != a.Period {
			return fmt.Errorf("metric %s: a period of %d s is not known here", id, m.Period)
		}
		if m.Namespace == "" || m.Name == "" || !slices.Contains([]string{"Sum", "Average", "Minimum", "Maximum", "SampleCount"}, m.Stat) {
			return fmt.Errorf("metric %s: %s %s by %q is not known here", id, m.Namespace, m.Name, m.Stat)
		}
	}
	if a.ToAlarm == 0 {
		a.ToAlarm = a.Periods
	}
	if a.TreatAbsent == "" {
		a.TreatAbsent = Missing
	}
	if a.Periods < 1 || a.ToAlarm > a.Periods || !slices.Contains([]string{Missing, Ignore, Breaching, NotBreaching}, a.TreatAbsent) {
		return fmt.Errorf("%d of %d periods, missing data %s: not known here", a.ToAlarm, a.Periods, a.TreatAbsent)
	}
	if _, ok := comparisons[a.Comparison]; !ok {
		return fmt.Errorf("comparison %q is not known here", a.Comparison)
	}
	var err error
	a.expr, err = parse(expression, a.metrics)
	return err
}

// Metrics returns the metrics that the alarm reads, which is what it is billed by.
func (a *Alarm) Metrics() []Metric {
	var all []Metric
	for _, m := range a.metrics {
		all = append(all, m)
	}
	return all
}

var comparisons = map[string]func(v, threshold float64) bool{
	"GreaterThanThreshold":          func(v, t float64) bool { return v > t },
	"GreaterThanOrEqualToThreshold": func(v, t float64) bool { return v >= t },
	"LessThanThreshold":             func(v, t float64) bool { return v < t },
	"LessThanOrEqualToThreshold":    func(v, t float64) bool { return v <= t },
}

// Evaluate returns the alarm's state at a moment, a full minute, after it was in another.
func (a *Alarm) Evaluate(d *Data, now time.Time, was State) State {
	breaches := comparisons[a.Comparison]
	points := make([]point, a.Periods+rangeExtra) // the newest last
	at := make(map[string]float64, len(a.metrics))
	for i := range points {
		end := now.Add(-time.Duration((len(points)-1-i)*a.Period) * time.Second)
		if v, ok := a.value(d, end, now, at); ok {
			points[i] = nonBreaching
			if breaches(v, a.Threshold) {
				points[i] = breaching
			}
		}
	}
	return decide(points, a.Periods, a.ToAlarm, a.TreatAbsent, was)
}

// value is the alarm's data point of the period that ends at a moment; ok is false where there is none. at is room for
// those of its metrics.
func (a *Alarm) value(d *Data, end, now time.Time, at map[string]float64) (v float64, ok bool) {
	clear(at)
	for id, m := range a.metrics {
		if v, ok := d.value(&m, end, now); ok {
			at[id] = v
		}
	}
	if len(at) == 0 {
		return 0, false
	}
	return a.expr(at)
}

// point is what a data point says.
type point uint8

const (
	absent point = iota
	nonBreaching
	breaching
)

// decide is CloudWatch's rule: points is the evaluation range, the newest last; n and m are the evaluation periods and
// the data points to alarm.
func decide(points []point, n, m int, treat string, was State) State {
	var real []point
	oldest := 0 // age in periods of the oldest real point, 1 for the newest period
	for i, p := range points {
		if p != absent {
			if real = append(real, p); oldest == 0 {
				oldest = len(points) - i
			}
		}
	}
	real = real[max(0, len(real)-n):]
	bad := 0
	for _, p := range real {
		if p == breaching {
			bad++
		}
	}
	lacking := n - len(real)
	switch {
	case bad >= m:
		return Alarming
	case lacking == 0:
		return OK
	case treat == Breaching && bad+lacking >= m:
		return Alarming
	case treat == Breaching, treat == NotBreaching:
		return OK
	case len(real) == 0 && treat == Missing:
		return Insufficient
	case len(real) == 0:
		return was
	case bad < len(real): // something that does not breach is there, and too few breach
		return OK
	case treat == Missing && oldest >= m: // AWS: "premature alarm state"
		return Alarming
	}
	return was
}
