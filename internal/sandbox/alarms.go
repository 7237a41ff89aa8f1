package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// alarmOperations are what there is of CloudWatch: the alarms of step scaling policies can be read.
var alarmOperations = map[string]operation{"DescribeAlarms": op((*Sandbox).describeAlarms)}

// alarmRef is an alarm in a scaling policy.
type alarmRef struct{ AlarmName, AlarmARN string }

// stepAlarm is the alarm of a step scaling policy as CloudWatch shows it.
type stepAlarm struct {
	AlarmName, AlarmArn, Namespace, MetricName string
	Dimensions                                 []alarmDimension `xml:"Dimensions>member"`
	Statistic, ComparisonOperator              string
	Threshold                                  float64
	EvaluationPeriods                          int
	TreatMissingData                           string
}

type alarmDimension struct{ Name, Value string }

type alarmsOutput struct {
	MetricAlarms []stepAlarm `xml:"MetricAlarms>member"`
}

func (s *Sandbox) describeAlarms(c *call, in *struct{ AlarmNames []string }) (*alarmsOutput, error) {
	out := &alarmsOutput{}
	for key, t := range s.targets {
		if key.region != c.region {
			continue
		}
		for _, p := range t.policies {
			if p.alarm != nil && (len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, p.alarm.AlarmName)) {
				out.MetricAlarms = append(out.MetricAlarms, *p.alarm)
			}
		}
	}
	slices.SortFunc(out.MetricAlarms, func(a, b stepAlarm) int { return strings.Compare(a.AlarmName, b.AlarmName) })
	return out, nil
}

// showAlarm puts an alarm that was steered, or none, into what is shown of its policy.
func (s *Sandbox) showAlarm(ref ecsim.Ref, in *alarmSteer) {
	t := s.targets[targetKey{ref.Region, "service/" + ref.Cluster + "/" + ref.Service}]
	if t == nil {
		return
	}
	for _, p := range t.policies {
		if p.PolicyName != in.Policy {
			continue
		}
		if p.alarm, p.Alarms = nil, []alarmRef{}; in.Threshold == nil {
			continue
		}
		a := &stepAlarm{AlarmName: ref.Service + "-" + in.Policy, Statistic: "Average", ComparisonOperator: "GreaterThanOrEqualToThreshold", Threshold: *in.Threshold,
			EvaluationPeriods: max(1, in.Periods), TreatMissingData: "missing"}
		if strings.EqualFold(in.Comparison, "below") {
			a.ComparisonOperator = "LessThanOrEqualToThreshold"
		}
		switch kind := orDefault(in.Metric, "cpu"); kind {
		case "cpu":
			a.Namespace, a.MetricName = "AWS/ECS", "CPUUtilization"
			a.Dimensions = []alarmDimension{{"ClusterName", ref.Cluster}, {"ServiceName", ref.Service}}
		case "requests_per_target":
			a.Namespace, a.MetricName = "AWS/ApplicationELB", "RequestCountPerTarget"
		default:
			a.Namespace, a.MetricName = "Sandbox", kind
		}
		a.AlarmArn = "arn:aws:cloudwatch:" + ref.Region + ":" + s.account() + ":alarm:" + a.AlarmName
		p.alarm, p.Alarms = a, []alarmRef{{a.AlarmName, a.AlarmArn}}
	}
}

type alarmSteer struct {
	Region     string   `json:"region"`
	Cluster    string   `json:"cluster"`
	Service    string   `json:"service"`
	Policy     string   `json:"policy"`
	Metric     string   `json:"metric"`
	Threshold  *float64 `json:"threshold"` // null: no alarm any more
	Comparison string   `json:"comparison"`
	Periods    int      `json:"periods"`
}

var alarmMetrics = map[string]scaler.MetricKind{"cpu": scaler.CPU, "requests_per_target": scaler.RequestsPerTarget, "backlog_per_task": scaler.BacklogPerTask}

// steerAlarm gives a step scaling policy its alarm, which DescribeAlarms shows. There is no PutMetricAlarm here.
func (s *Sandbox) steerAlarm(in alarmSteer) (any, error) {
	ref, err := s.serviceRefOf(serviceSteer{Region: in.Region, Cluster: in.Cluster, Service: in.Service})
	if err != nil {
		return nil, err
	}
	var alarm *scaler.Alarm
	if in.Threshold != nil {
		kind, known := alarmMetrics[orDefault(in.Metric, "cpu")]
		if !known {
			kind = scaler.Named
		}
		if in.Comparison != "" && in.Comparison != "above" && in.Comparison != "below" {
			return nil, fmt.Errorf("comparison: must be above or below (got %q)", clip(in.Comparison))
		}
		if in.Periods < 0 || in.Periods > 1440 {
			return nil, fmt.Errorf("periods: must be 1 to 1440 (got %d)", in.Periods)
		}
		alarm = &scaler.Alarm{Metric: scaler.Metric{Kind: kind, Name: in.Metric}, Threshold: *in.Threshold, Below: strings.EqualFold(in.Comparison, "below"), Periods: in.Periods}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpLocked()
	if err := s.scaler.SetAlarm(ref, in.Policy, alarm); err != nil {
		return nil, err
	}
	s.showAlarm(ref, &in)
	return empty{}, nil
}
