package twin

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// Scaled is a service that auto scaling scales, with the twin that stands in for it.
type Scaled struct {
	Region, Cluster, Service, Twin string
	// Alarms are those of step policies by their names; one that was not read is not there.
	Alarms map[string]Alarm
}

// Blindness is how an auto scaling policy sees less than what serves.
type Blindness string

const (
	// Alone is a metric of the service alone: without tasks on Spot it vanishes, and the load may double unseen.
	Alone Blindness = "metric"
	// Backlog is work divided by the tasks of the service alone: each that Spot cannot hold makes the quotient larger, and the demand runs away.
	Backlog Blindness = "backlog"
	// Unknown is what cannot be told from the policy.
	Unknown Blindness = "unknown"
)

// PolicyFinding is a policy that does not go over both twins, for certain or perhaps.
type PolicyFinding struct {
	Policy string
	Kind   Blindness
	// What says it, Then what follows from it, empty where that is not known. Fix is the command that gives the policy a metric over both twins, or what is to be
	// looked at.
	What, Then, Fix string
}

// What follows where the metric vanishes with the tasks on Spot, and where it grows with each that is lost.
const (
	aloneThen   = "when Spot runs nothing its metric is gone, and the demand stands still whatever the load"
	backlogThen = "each task that Spot cannot hold makes it larger, and the demand runs away"
)

// Namespaces of metrics with the dimensions ClusterName and ServiceName.
const (
	metricsECS      = "AWS/ECS"
	metricsInsights = "ECS/ContainerInsights"
	metricsOurs     = "Fargate/Failover"
)

// predefined are the metrics of AWS/ECS by the names that policies have for them.
var predefined = map[scaling.MetricType]string{scaling.MetricTypeECSServiceAverageCPUUtilization: "CPUUtilization", scaling.MetricTypeECSServiceAverageMemoryUtilization: "MemoryUtilization"}

// Policy judges one policy of a service's scalable target; nil: it goes over both twins, or over neither.
func (s Scaled) Policy(p *scaling.ScalingPolicy) *PolicyFinding {
	name := aws.ToString(p.PolicyName)
	f := &PolicyFinding{Policy: name}
	t := p.TargetTrackingScalingPolicyConfiguration
	switch {
	case p.PolicyType == scaling.PolicyTypeStepScaling:
		return s.steps(f, p)
	case p.PolicyType == scaling.PolicyTypePredictiveScaling:
		return s.forecast(f, p)
	case t == nil:
		f.Kind, f.What = Unknown, fmt.Sprintf("the policy %s (%s) is not one whose metric can be read", name, p.PolicyType)
		f.Fix = "let it go over " + s.Service + " and " + s.Twin + ", or use TargetTrackingScaling"
		return f
	}
	if m := t.PredefinedMetricSpecification; m != nil {
		metric, own := predefined[m.PredefinedMetricType]
		if !own {
			return nil // ALBRequestCountPerTarget counts the targets of both
		}
		f.Kind, f.What, f.Then = Alone, fmt.Sprintf("the policy %s follows %s of %s alone", name, m.PredefinedMetricType, s.Service), aloneThen
		f.Fix = s.command(name, t, s.mean(metric))
		return f
	}
	return s.customized(f, t)
}

// query is one part of a customized metric, in the form of the command line.
type query struct {
	ID         string      `json:"Id"`
	Expression string      `json:",omitempty"`
	MetricStat *metricStat `json:",omitempty"`
	ReturnData bool
}

type metricStat struct {
	Metric metric
	Stat   string
}

type metric struct {
	Namespace, MetricName string
	Dimensions            []dimension `json:",omitempty"`
}

type dimension struct{ Name, Value string }

// of is the same metric of another service.
func (m metric) of(service string) metric {
	m.Dimensions = slices.Clone(m.Dimensions)
	for i := range m.Dimensions {
		if m.Dimensions[i].Name == "ServiceName" {
			m.Dimensions[i].Value = service
		}
	}
	return m
}

// service is the ECS service that a metric is about; empty: none.
func (m metric) service() string {
	i := slices.IndexFunc(m.Dimensions, func(d dimension) bool { return d.Name == "ServiceName" })
	if i < 0 || m.Namespace == metricsOurs {
		return ""
	}
	return m.Dimensions[i].Value
}

// own is a metric of the service in AWS/ECS.
func (s Scaled) own(name string) metric {
	return metric{metricsECS, name, []dimension{{"ClusterName", s.Cluster}, {"ServiceName", s.Service}}}
}

// mean is the mean over the tasks of both services: sums by counts, so that one with few tasks does not weigh as much as one with many.
func (s Scaled) mean(name string) []query {
	var out []query
	for i, service := range []string{s.Service, s.Twin} {
		m := s.own(name).of(service)
		out = append(out, query{ID: fmt.Sprintf("sum%d", i+1), MetricStat: &metricStat{m, "Sum"}}, query{ID: fmt.Sprintf("n%d", i+1), MetricStat: &metricStat{m, "SampleCount"}})
	}
	return append(out, query{ID: "both", Expression: "(FILL(sum1,0)+FILL(sum2,0))/(FILL(n1,0)+FILL(n2,0))", ReturnData: true})
}

// customized judges a metric of the policy's own.
func (s Scaled) customized(f *PolicyFinding, t *scaling.TargetTrackingScalingPolicyConfiguration) *PolicyFinding {
	parts := queriesOf(t.CustomizedMetricSpecification)
	var all []metric
	for _, q := range parts {
		if q.MetricStat != nil {
			all = append(all, q.MetricStat.Metric)
		}
	}
	at := s.about(all)
	switch {
	case at.alone:
		f.Kind, f.Then, f.What = Alone, aloneThen, fmt.Sprintf("the policy %s follows a metric of %s alone", f.Policy, s.Service)
		if at.others {
			f.Kind, f.Then, f.What = Backlog, backlogThen, fmt.Sprintf("the policy %s divides by the tasks of %s alone", f.Policy, s.Service)
		}
		f.Fix = s.command(f.Policy, t, s.both(parts))
		return f
	case at.none && at.unknown != "":
		f.Kind, f.What = Unknown, fmt.Sprintf("the policy %s follows %s, of which cannot be told whether it counts the tasks of %s as well", f.Policy, at.unknown, s.Twin)
		f.Fix = fmt.Sprintf("divide by what serves in both: InService of Backstop's own metrics (%s), or RunningTaskCount of %s and %s", metricsOurs, s.Service, s.Twin)
		return f
	}
	return nil
}

// queriesOf are the parts of a customized metric, in one form.
func queriesOf(c *scaling.CustomizedMetricSpecification) []query {
	if c == nil {
		return nil
	}
	if len(c.Metrics) == 0 {
		m := metric{aws.ToString(c.Namespace), aws.ToString(c.MetricName), nil}
		for _, d := range c.Dimensions {
			m.Dimensions = append(m.Dimensions, dimension{aws.ToString(d.Name), aws.ToString(d.Value)})
		}
		return []query{{ID: "own", MetricStat: &metricStat{m, string(c.Statistic)}, ReturnData: true}}
	}
	var out []query
	for _, q := range c.Metrics {
		one := query{ID: aws.ToString(q.Id), Expression: aws.ToString(q.Expression), ReturnData: q.ReturnData == nil || *q.ReturnData}
		if st := q.MetricStat; st != nil && st.Metric != nil {
			m := metric{aws.ToString(st.Metric.Namespace), aws.ToString(st.Metric.MetricName), nil}
			for _, d := range st.Metric.Dimensions {
				m.Dimensions = append(m.Dimensions, dimension{aws.ToString(d.Name), aws.ToString(d.Value)})
			}
			one.MetricStat = &metricStat{m, aws.ToString(st.Stat)}
		}
		out = append(out, one)
	}
	return out
}

// both puts beside each metric of the service that of the twin, and what both come to in its place.
func (s Scaled) both(parts []query) []query {
	if len(parts) == 1 && parts[0].MetricStat.Metric.Namespace == metricsECS && parts[0].MetricStat.Stat == string(scaling.MetricStatisticAverage) {
		return s.mean(parts[0].MetricStat.Metric.MetricName)
	}
	var out []query
	joined := map[string]string{} // an id, and what takes its place in expressions
	result := ""
	for _, q := range parts {
		if q.MetricStat != nil && q.MetricStat.Metric.service() == s.Service {
			twin := query{ID: q.ID + "_twin", MetricStat: &metricStat{q.MetricStat.Metric.of(s.Twin), q.MetricStat.Stat}}
			joined[q.ID] = join(q.MetricStat, q.ID, twin.ID)
			if q.ReturnData {
				result, q.ReturnData = q.ID, false
			}
			out = append(out, q, twin)
			continue
		}
		out = append(out, q)
	}
	for i := range out {
		out[i].Expression = identifier.ReplaceAllStringFunc(out[i].Expression, func(id string) string {
			if both, ok := joined[id]; ok {
				return both
			}
			return id
		})
	}
	if result != "" {
		out = append(out, query{ID: "both", Expression: joined[result], ReturnData: true})
	}
	return out
}

var identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// join is what a metric of two services comes to: what is counted adds up, and a mean is one of both.
func join(m *metricStat, a, b string) string {
	switch {
	case m.Metric.Namespace == metricsInsights && strings.HasSuffix(m.Metric.MetricName, "Count"), m.Stat == string(scaling.MetricStatisticSum), m.Stat == string(scaling.MetricStatisticSampleCount):
		return "(FILL(" + a + ",0)+FILL(" + b + ",0))"
	case m.Stat == string(scaling.MetricStatisticMaximum):
		return "MAX([" + a + "," + b + "])"
	case m.Stat == string(scaling.MetricStatisticMinimum):
		return "MIN([" + a + "," + b + "])"
	}
	return "AVG([" + a + "," + b + "])"
}

// command puts the policy again, with another metric and all else as it is.
func (s Scaled) command(name string, t *scaling.TargetTrackingScalingPolicyConfiguration, parts []query) string {
	type specification struct{ Metrics []query }
	text, err := json.Marshal(struct {
		TargetValue                   *float64
		ScaleOutCooldown              *int32 `json:",omitempty"`
		ScaleInCooldown               *int32 `json:",omitempty"`
		DisableScaleIn                *bool  `json:",omitempty"`
		CustomizedMetricSpecification specification
	}{t.TargetValue, t.ScaleOutCooldown, t.ScaleInCooldown, t.DisableScaleIn, specification{parts}})
	if err != nil {
		return err.Error()
	}
	return s.put(name, "TargetTrackingScaling", "target-tracking-scaling", string(text))
}

// put is the command that puts a policy of a kind with its configuration.
func (s Scaled) put(name, kind, flag, configuration string) string {
	return fmt.Sprintf("aws application-autoscaling put-scaling-policy --region %s --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id service/%s/%s "+
		"--policy-type %s --policy-name %s --%s-policy-configuration %s", s.Region, s.Cluster, s.Service, kind, wording.Shell(name), flag, wording.Shell(configuration))
}
