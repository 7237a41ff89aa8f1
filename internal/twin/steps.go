package twin

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// Alarm is what is known of an alarm of CloudWatch that a step policy acts on.
type Alarm struct {
	Metrics []AlarmMetric
	// Missing is how it treats missing data: missing (the default), ignore, breaching or notBreaching.
	Missing string
}

// AlarmMetric is one metric of an alarm; Service is the value of the dimension ServiceName, if it has one.
type AlarmMetric struct{ Namespace, Name, Service string }

// breaching is how an alarm treats missing data that fires without any.
const breaching = "breaching"

// steps judges a step policy by its alarms. One without an alarm never acts.
func (s Scaled) steps(f *PolicyFinding, p *scaling.ScalingPolicy) *PolicyFinding {
	var unread []string
	for _, a := range p.Alarms {
		name := aws.ToString(a.AlarmName)
		alarm, known := s.Alarms[name]
		if !known {
			unread = append(unread, wording.Shell(name))
			continue
		}
		var all []metric
		for _, m := range alarm.Metrics {
			all = append(all, metric{m.Namespace, m.Name, []dimension{{"ServiceName", m.Service}}})
		}
		about := s.about(all)
		if !about.alone {
			continue
		}
		f.Kind, f.What = Alone, fmt.Sprintf("the step policy %s acts on the alarm %s, which follows %s of %s alone", f.Policy, name, about.name, s.Service)
		f.Then = "when Spot runs nothing the metric is gone and the alarm is silent: the demand stands still whatever the load"
		switch {
		case alarm.Missing == breaching:
			f.Then = "when Spot runs nothing the metric is gone, which the alarm takes for a breach: the policy moves the demand again and again, whatever the load"
		case about.others:
			f.Kind, f.Then = Backlog, backlogThen
		}
		f.Fix = fmt.Sprintf("aws cloudwatch describe-alarms --region %s --alarm-names %s   # then put it again over both: (FILL(sum1,0)+FILL(sum2,0))/(FILL(n1,0)+FILL(n2,0)) of Sum and SampleCount of %s and %s, or use TargetTrackingScaling",
			s.Region, wording.Shell(name), s.Service, s.Twin)
		return f
	}
	if len(unread) == 0 {
		return nil
	}
	f.Kind, f.What = Unknown, "the step policy "+f.Policy+" acts on alarms whose metrics were not read: one of "+s.Service+" alone goes blind when Spot runs nothing"
	f.Fix = "aws cloudwatch describe-alarms --region " + s.Region + " --alarm-names " + strings.Join(unread, " ") + "   # and let it go over " + s.Service + " and " + s.Twin
	return f
}

// about is what metrics are about: alone the service without its twin, others something besides, unknown one of which cannot be told.
type about struct {
	alone, others, none bool
	name, unknown       string // a metric of the service, and one that cannot be told
}

func (s Scaled) about(all []metric) about {
	out := about{none: true}
	own, other := false, false
	for _, m := range all {
		switch service := m.service(); {
		case service != "":
			out.none = false
			if service == s.Service {
				own, out.name = true, m.MetricName
			}
			other = other || service == s.Twin
		case strings.HasPrefix(m.Namespace, "AWS/") || m.Namespace == metricsOurs:
			out.others = true
		default:
			out.others, out.unknown = true, m.Namespace+"/"+m.MetricName
		}
	}
	out.alone = own && !other
	return out
}

// Forecasts reports whether a predictive policy changes counts, and does not only forecast them.
func Forecasts(p *scaling.ScalingPolicy) bool {
	c := p.PredictiveScalingPolicyConfiguration
	return p.PolicyType == scaling.PolicyTypePredictiveScaling && c != nil && c.Mode == scaling.PredictiveScalingModeForecastAndScale
}

// forecast judges a predictive policy by the load that it learns from.
func (s Scaled) forecast(f *PolicyFinding, p *scaling.ScalingPolicy) *PolicyFinding {
	c := p.PredictiveScalingPolicyConfiguration
	switch {
	case c == nil || len(c.MetricSpecifications) == 0:
		f.Kind, f.What, f.Fix = Unknown, "the predictive policy "+f.Policy+" shows no metric", "let it go over "+s.Service+" and "+s.Twin+", or use TargetTrackingScaling"
		return f
	case !Forecasts(p):
		return nil
	}
	spec := c.MetricSpecifications[0]
	learns := ""
	if m := spec.PredefinedMetricPairSpecification; m != nil {
		learns = aws.ToString(m.PredefinedMetricType)
	} else if m := spec.PredefinedLoadMetricSpecification; m != nil {
		learns = aws.ToString(m.PredefinedMetricType)
	}
	switch {
	case strings.HasPrefix(learns, "ALB"): // requests of the target group, which both are in
		return nil
	case learns == "" && spec.CustomizedLoadMetricSpecification != nil:
		at := s.about(forecastMetrics(spec.CustomizedLoadMetricSpecification))
		switch {
		case at.alone:
			learns = at.name
		case at.none && at.unknown != "":
			f.Kind, f.What = Unknown, fmt.Sprintf("the predictive policy %s learns from %s, of which cannot be told whether it counts what %s serves", f.Policy, at.unknown, s.Twin)
			f.Fix = s.ForecastOnly(p)
			return f
		default:
			return nil
		}
	}
	f.Kind, f.What = Alone, fmt.Sprintf("the predictive policy %s learns from %s of %s alone", f.Policy, learns, s.Service)
	f.Then = "an hour in which cover served counts as one with little load, and the same hour gets too few tasks on the days after"
	f.Fix = s.ForecastOnly(p)
	return f
}

func forecastMetrics(c *scaling.PredictiveScalingCustomizedMetricSpecification) []metric {
	var out []metric
	for _, q := range c.MetricDataQueries {
		if st := q.MetricStat; st != nil && st.Metric != nil {
			m := metric{aws.ToString(st.Metric.Namespace), aws.ToString(st.Metric.MetricName), nil}
			for _, d := range st.Metric.Dimensions {
				m.Dimensions = append(m.Dimensions, dimension{aws.ToString(d.Name), aws.ToString(d.Value)})
			}
			out = append(out, m)
		}
	}
	return out
}

// ForecastOnly is the command that lets a predictive policy forecast and change nothing, with all else as it is.
func (s Scaled) ForecastOnly(p *scaling.ScalingPolicy) string {
	c := *p.PredictiveScalingPolicyConfiguration
	c.Mode = scaling.PredictiveScalingModeForecastOnly
	text, err := plainJSON(c)
	if err != nil {
		return err.Error()
	}
	return s.put(aws.ToString(p.PolicyName), "PredictiveScaling", "predictive-scaling", text) +
		"   # and follow the load by TargetTrackingScaling over both twins; the metric pair ALBRequestCount counts what both serve"
}

// plainJSON writes a value of the SDK without what is not set.
func plainJSON(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var all any
	if err := json.Unmarshal(raw, &all); err != nil {
		return "", err
	}
	raw, err = json.Marshal(withoutEmpty(all))
	return string(raw), err
}

func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, part := range v {
			if part == nil || part == "" {
				delete(v, k)
				continue
			}
			v[k] = withoutEmpty(part)
		}
	case []any:
		for i := range v {
			v[i] = withoutEmpty(v[i])
		}
	}
	return v
}
