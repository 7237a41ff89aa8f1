package alarm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Data is what CloudWatch has of metrics, by the minute, which is its standard resolution. The zero value has none.
type Data struct {
	// Late is how long after the end of its minute a sample of a namespace can be read; absent: at once.
	Late map[string]time.Duration

	series map[string]map[int64]*samples // by metric and minute
}

type samples struct {
	n             int
	sum, min, max float64
}

func key(namespace, name string, dimensions map[string]string) string {
	var b strings.Builder
	b.WriteString(namespace + "\x00" + name)
	for _, k := range slices.Sorted(maps.Keys(dimensions)) {
		b.WriteString("\x00" + k + "=" + dimensions[k])
	}
	return b.String()
}

// Put adds a sample of a metric.
func (d *Data) Put(namespace, name string, dimensions map[string]string, at time.Time, v float64) {
	if d.series == nil {
		d.series = make(map[string]map[int64]*samples)
	}
	k := key(namespace, name, dimensions)
	minutes := d.series[k]
	if minutes == nil {
		minutes = make(map[int64]*samples)
		d.series[k] = minutes
	}
	s := minutes[minute(at)]
	if s == nil {
		minutes[minute(at)] = &samples{1, v, v, v}
		return
	}
	s.n, s.sum, s.min, s.max = s.n+1, s.sum+v, min(s.min, v), max(s.max, v)
}

// PutEMF adds what a line in the Embedded Metric Format says.
func (d *Data) PutEMF(line []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(line, &values); err != nil {
		return fmt.Errorf("read metric line: %w", err)
	}
	var head struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name string }
		}
	}
	if err := json.Unmarshal(values["_aws"], &head); err != nil {
		return fmt.Errorf("read metric line: %w", err)
	}
	at := time.UnixMilli(head.Timestamp)
	for _, directive := range head.CloudWatchMetrics {
		for _, names := range directive.Dimensions {
			dimensions := make(map[string]string, len(names))
			for _, name := range names {
				dimensions[name] = strings.Trim(string(values[name]), `"`)
			}
			for _, m := range directive.Metrics {
				v, err := strconv.ParseFloat(string(values[m.Name]), 64)
				if err != nil {
					return fmt.Errorf("read metric line: %s: %w", m.Name, err)
				}
				d.Put(directive.Namespace, m.Name, dimensions, at, v)
			}
		}
	}
	return nil
}

// Forget drops what is older than a moment, so that weeks can be played.
func (d *Data) Forget(before time.Time) {
	for _, minutes := range d.series {
		maps.DeleteFunc(minutes, func(at int64, _ *samples) bool { return at < minute(before) })
	}
}

func minute(at time.Time) int64 { return at.Unix() / 60 }

// value is a metric's statistic over the period that ends at a moment, as far as it can be read now.
func (d *Data) value(m *Metric, end, now time.Time) (float64, bool) {
	minutes := d.series[m.key]
	readable := minute(now.Add(-d.Late[m.Namespace]))
	var all samples
	for at := minute(end) - int64(m.Period/60); at < minute(end) && at < readable; at++ {
		s := minutes[at]
		if s == nil {
			continue
		}
		if all.n == 0 {
			all = *s
			continue
		}
		all.n, all.sum, all.min, all.max = all.n+s.n, all.sum+s.sum, min(all.min, s.min), max(all.max, s.max)
	}
	if all.n == 0 {
		return 0, false
	}
	switch m.Stat {
	case "Sum":
		return all.sum, true
	case "Average":
		return all.sum / float64(all.n), true
	case "Minimum":
		return all.min, true
	case "Maximum":
		return all.max, true
	}
	return float64(all.n), true // SampleCount
}
