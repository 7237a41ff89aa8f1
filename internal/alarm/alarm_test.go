package alarm

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestMissingDataIsTreatedAsAWSsTablesSay has the rows of "Configuring how CloudWatch alarms treat missing data" in the
// CloudWatch user guide, for missing, ignore, breaching and notBreaching; the state before is OK.
func TestMissingDataIsTreatedAsAWSsTablesSay(t *testing.T) {
	const keep = OK // "Retain current state"
	for _, test := range []struct {
		points string
		m      int
		want   [4]State
	}{
		{"0-X-X", 3, [4]State{OK, OK, OK, OK}},
		{"0----", 3, [4]State{OK, OK, OK, OK}},
		{"-----", 3, [4]State{Insufficient, keep, Alarming, OK}},
		{"0XX-X", 3, [4]State{Alarming, Alarming, Alarming, Alarming}},
		{"--X--", 3, [4]State{Alarming, keep, Alarming, OK}},
		{"0-X-X", 2, [4]State{Alarming, Alarming, Alarming, Alarming}},
		{"00X0X", 2, [4]State{Alarming, Alarming, Alarming, Alarming}},
		{"0-X--", 2, [4]State{OK, OK, Alarming, OK}},
		{"----0", 2, [4]State{OK, OK, Alarming, OK}},
		{"---X-", 2, [4]State{Alarming, keep, Alarming, OK}},
	} {
		for i, treat := range []string{Missing, Ignore, Breaching, NotBreaching} {
			if got := decide(pointsOf(test.points), 3, test.m, treat, OK); got != test.want[i] {
				t.Errorf("%s, %d of 3, %s: %s, AWS says %s", test.points, test.m, treat, got, test.want[i])
			}
		}
	}
	for _, early := range []string{"----X", "---X-"} { // "does not go immediately into ALARM state"
		if got := decide(pointsOf(early), 3, 3, Missing, OK); got == Alarming {
			t.Errorf("%s, 3 of 3: %s", early, got)
		}
	}
}

func pointsOf(text string) []point {
	out := make([]point, len(text))
	for i, c := range text {
		out[i] = map[rune]point{'-': absent, '0': nonBreaching, 'X': breaching}[c]
	}
	return out
}

func one(statistic string, period, n int) string {
	return fmt.Sprintf(`[{"alarm_name":"a","namespace":"N","metric_name":"M","dimensions":{"D":"v"},"statistic":%q,"period":%d,"evaluation_periods":%d,
		"threshold":3,"comparison_operator":"GreaterThanThreshold","treat_missing_data":"missing"}]`, statistic, period, n)
}

func parsed(t *testing.T, text string) *Alarm {
	t.Helper()
	all, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &all[0]
}

// TestTheFigureOfAlarmEvaluation plays the figure of "Alarm evaluation": 3 of 3 above 3, in periods three to five.
func TestTheFigureOfAlarmEvaluation(t *testing.T) {
	a, d, was := parsed(t, one("Average", 60, 3)), &Data{}, OK
	for i, v := range []float64{4, 4, 4, 5, 4, 2, 2, 2, 4, 2} {
		at := noon.Add(time.Duration(i) * time.Minute)
		d.Put("N", "M", map[string]string{"D": "v"}, at, v)
		was = a.Evaluate(d, at.Add(time.Minute), was)
		if want := map[bool]State{true: Alarming, false: OK}[i >= 2 && i <= 4]; was != want {
			t.Errorf("after period %d the state is %s, want %s", i+1, was, want)
		}
	}
}

// TestTheWindowSlides: "at the end of minute 6, the alarm is evaluated based on the data from minutes 2 to 6".
func TestTheWindowSlides(t *testing.T) {
	a, d := parsed(t, one("Sum", 300, 1)), &Data{}
	d.Put("N", "M", map[string]string{"D": "v"}, noon, 4)
	d.Put("N", "M", map[string]string{"D": "other"}, noon.Add(5*time.Minute), 40)
	d.Put("N", "M", map[string]string{"D": "v"}, noon.Add(5*time.Minute), 1)
	for minutes, want := range map[int]State{1: Alarming, 5: Alarming, 6: OK} {
		if got := a.Evaluate(d, noon.Add(time.Duration(minutes)*time.Minute), OK); got != want {
			t.Errorf("at the end of minute %d: %s, want %s", minutes, got, want)
		}
	}
}

func TestStatisticsAndLateness(t *testing.T) {
	d := &Data{}
	for i, v := range []float64{2, 6, 4} {
		d.Put("N", "M", map[string]string{"D": "v"}, noon.Add(time.Duration(i)*20*time.Second), v)
	}
	for stat, want := range map[string]float64{"Sum": 12, "Average": 4, "Minimum": 2, "Maximum": 6, "SampleCount": 3} {
		m := parsed(t, one(stat, 60, 1)).metrics["m"]
		if got, ok := d.value(&m, noon.Add(time.Minute), noon.Add(time.Minute)); !ok || got != want {
			t.Errorf("%s is %v (%t), want %v", stat, got, ok, want)
		}
		d.Late = map[string]time.Duration{"N": 2 * time.Minute}
		if _, ok := d.value(&m, noon.Add(time.Minute), noon.Add(2*time.Minute)); ok {
			t.Error("a sample is read before it has arrived")
		}
		if _, ok := d.value(&m, noon.Add(time.Minute), noon.Add(3*time.Minute)); !ok {
			t.Error("a sample is not read once it has arrived")
		}
		d.Late = nil
	}
}

// TestMetricMath has the rows of "Comparison and logical operators" in the CloudWatch user guide, metric1 and metric2 at four
// times, and what the module's alarm is made of.
func TestMetricMath(t *testing.T) {
	metrics := map[string]Metric{"metric1": {}, "metric2": {}, "c": {}}
	times := []map[string]float64{{"metric1": 30, "metric2": 20}, {"metric1": 20}, {"metric1": 0, "metric2": 20}, {"metric1": 0}}
	for text, want := range map[string]string{
		"(metric1 < metric2)":             "0 0 1 0",
		"(metric1 >= 30)":                 "1 0 0 0",
		"(metric1 > 15 AND metric2 > 15)": "1 0 0 0",
		"(metric1 > 25 OR metric2 > 15)":  "1 0 1 0",
		"metric1 - metric2":               "10 20 -20 0", // "missing values are treated as 0"
		"c":                               "- - - -",
		"metric2":                         "20 - 20 -",
		"c > c":                           "- - - -",
		"(c > c AND c > c) + 0 * metric2": "0 - 0 -",
		"(metric1 > c AND metric2 > c) + 0 * metric1":        "1 0 0 0",
		"1 + 2 * metric1 - 1":                                "60 40 0 0",
		"(metric1 <= metric2) * 5 + (metric2 > metric1) * 2": "0 0 7 5",
	} {
		n, err := parse(text, metrics)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, at := range times {
			one := "-"
			if v, ok := n(at); ok {
				one = fmt.Sprint(v)
			}
			got = append(got, one)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is %v, want %s", text, got, want)
		}
	}
	for _, bad := range []string{"", "d", "metric1 +", "(c", "FILL(c, 0)", "c c", "RATE(c)", "c / c"} {
		if _, err := parse(bad, metrics); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestWhatIsNotKnownIsRefused(t *testing.T) {
	for _, change := range [][2]string{
		{`"Average"`, `"p99"`}, {`"period":60`, `"period":30`}, {`"missing"`, `"maybe"`}, {"GreaterThanThreshold", "Greater"}, {`"evaluation_periods":3`, `"evaluation_periods":0`},
	} {
		text := strings.Replace(one("Average", 60, 3), change[0], change[1], 1)
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s is taken", change[1])
		}
	}
}

func TestAWatchKeepsWhenAnAlarmFiredAndEnded(t *testing.T) {
	d, w := &Data{}, NewWatch([]Alarm{*parsed(t, one("Maximum", 60, 2))})
	for i, v := range []float64{1, 4, 4, 4, 1, 1, 9, 9} {
		at := noon.Add(time.Duration(i) * time.Minute)
		d.Put("N", "M", map[string]string{"D": "v"}, at, v)
		w.Look(d, at.Add(time.Minute))
	}
	if len(w.Spells) != 2 || !w.Spells[0].Begin.Equal(noon.Add(3*time.Minute)) || !w.Spells[0].End.Equal(noon.Add(5*time.Minute)) || !w.Spells[1].End.IsZero() || w.State("a") != Alarming {
		t.Errorf("%+v, now %s", w.Spells, w.State("a"))
	}
}

func TestMetricLinesAreRead(t *testing.T) {
	var d Data
	line := `{"_aws":{"Timestamp":1795521600000,"CloudWatchMetrics":[{"Namespace":"F","Dimensions":[["ServiceName"]],"Metrics":[{"Name":"Missing","Unit":"Count"}]}]},"ServiceName":"api","Missing":3}`
	if err := d.PutEMF([]byte(line)); err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1795521600000)
	m := Metric{Stat: "Maximum", Period: 60, key: key("F", "Missing", map[string]string{"ServiceName": "api"})}
	if v, ok := d.value(&m, at.Add(time.Minute).Truncate(time.Minute), at.Add(time.Minute)); !ok || v != 3 {
		t.Errorf("Missing is %v, %t", v, ok)
	}
	d.Forget(at.Add(time.Hour))
	if _, ok := d.value(&m, at.Add(time.Minute).Truncate(time.Minute), at.Add(time.Minute)); ok {
		t.Error("what was forgotten is there")
	}
	if err := d.PutEMF([]byte(`{"_aws":`)); err == nil {
		t.Error("half a line is taken")
	}
}
