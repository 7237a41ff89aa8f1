package twin

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// tracking is a policy with one customized metric, or with several parts of one: id, namespace/metric or =expression, the service and the statistic.
func tracking(parts ...[4]string) *scaling.ScalingPolicy {
	c := &scaling.CustomizedMetricSpecification{}
	for _, p := range parts {
		q := scaling.TargetTrackingMetricDataQuery{Id: aws.String(p[0]), ReturnData: aws.Bool(strings.HasPrefix(p[1], "=") || len(parts) == 1)}
		if expression, ok := strings.CutPrefix(p[1], "="); ok {
			q.Expression = &expression
		} else {
			at := strings.LastIndexByte(p[1], '/')
			q.MetricStat = &scaling.TargetTrackingMetricStat{Stat: aws.String(p[3]), Metric: &scaling.TargetTrackingMetric{Namespace: aws.String(p[1][:at]), MetricName: aws.String(p[1][at+1:])}}
			if p[2] != "" {
				q.MetricStat.Metric.Dimensions = []scaling.TargetTrackingMetricDimension{{Name: aws.String("ServiceName"), Value: aws.String(p[2])}}
			}
		}
		c.Metrics = append(c.Metrics, q)
	}
	return &scaling.ScalingPolicy{PolicyName: aws.String("load"), PolicyType: scaling.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(50), CustomizedMetricSpecification: c}}
}

func TestAPolicyIsJudgedByWhatItsMetricIsAbout(t *testing.T) {
	web := Scaled{"us-east-1", "prod", "web", "web-standard"}
	fixed := func(of scaling.MetricType) *scaling.ScalingPolicy {
		p := tracking()
		p.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification = nil
		p.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification = &scaling.PredefinedMetricSpecification{PredefinedMetricType: of}
		return p
	}
	for what, c := range map[string]struct {
		policy     *scaling.ScalingPolicy
		kind       Blindness
		expression string // of the policy that is printed
	}{
		"CPU of the service":              {fixed(scaling.MetricTypeECSServiceAverageCPUUtilization), Alone, "(FILL(sum1,0)+FILL(sum2,0))/(FILL(n1,0)+FILL(n2,0))"},
		"memory of the service":           {fixed(scaling.MetricTypeECSServiceAverageMemoryUtilization), Alone, "(FILL(sum1,0)+FILL(sum2,0))/(FILL(n1,0)+FILL(n2,0))"},
		"requests for each target":        {fixed(scaling.MetricTypeALBRequestCountPerTarget), "", ""},
		"CPU by its own name":             {tracking([4]string{"m1", "AWS/ECS/CPUUtilization", "web", "Average"}), Alone, "(FILL(sum1,0)+FILL(sum2,0))/(FILL(n1,0)+FILL(n2,0))"},
		"the largest CPU":                 {tracking([4]string{"m1", "AWS/ECS/CPUUtilization", "web", "Maximum"}), Alone, "MAX([m1,m1_twin])"},
		"CPU of both":                     {tracking([4]string{"a", "AWS/ECS/CPUUtilization", "web", "Average"}, [4]string{"b", "AWS/ECS/CPUUtilization", "web-standard", "Average"}, [4]string{"e", "=AVG(METRICS())"}), "", ""},
		"messages":                        {tracking([4]string{"m1", "AWS/SQS/ApproximateNumberOfMessagesVisible", "", "Sum"}), "", ""},
		"messages by tasks":               {tracking([4]string{"m1", "AWS/SQS/ApproximateNumberOfMessagesVisible", "", "Sum"}, [4]string{"m10", "ECS/ContainerInsights/RunningTaskCount", "web", "Average"}, [4]string{"e", "=m1/m10"}), Backlog, "m1/(FILL(m10,0)+FILL(m10_twin,0))"},
		"messages by what Backstop tells": {tracking([4]string{"m1", "AWS/SQS/ApproximateNumberOfMessagesVisible", "", "Sum"}, [4]string{"m2", "Fargate/Failover/InService", "web", "Average"}, [4]string{"e", "=m1/m2"}), "", ""},
		"a metric of one's own":           {tracking([4]string{"m1", "Workers/BacklogPerTask", "", "Average"}), Unknown, ""},
		"steps":                           {&scaling.ScalingPolicy{PolicyName: aws.String("steps"), PolicyType: scaling.PolicyTypeStepScaling, Alarms: []scaling.Alarm{{AlarmName: aws.String("hot")}}}, Unknown, ""},
		"a forecast":                      {&scaling.ScalingPolicy{PolicyName: aws.String("tomorrow"), PolicyType: scaling.PolicyTypePredictiveScaling}, Unknown, ""},
	} {
		f := web.Policy(c.policy)
		if f == nil {
			if c.kind != "" {
				t.Errorf("%s: nothing is found", what)
			}
			continue
		}
		if f.Kind != c.kind || f.What == "" || f.Fix == "" {
			t.Errorf("%s: %+v, want %q", what, f, c.kind)
			continue
		}
		if c.expression == "" {
			continue
		}
		m := regexp.MustCompile(`-configuration '(.*)'$`).FindStringSubmatch(f.Fix)
		if m == nil {
			t.Errorf("%s: %s", what, f.Fix)
			continue
		}
		made := &scaling.TargetTrackingScalingPolicyConfiguration{}
		if err := json.Unmarshal([]byte(m[1]), made); err != nil {
			t.Fatal(err)
		}
		parts, services := made.CustomizedMetricSpecification.Metrics, map[string]bool{}
		returned := 0
		for _, q := range parts {
			if q.ReturnData == nil || *q.ReturnData {
				returned++
			}
			if q.MetricStat != nil {
				for _, d := range q.MetricStat.Metric.Dimensions {
					services[*d.Value] = true
				}
			}
		}
		if got := aws.ToString(parts[len(parts)-1].Expression); got != c.expression || returned != 1 || !services["web"] || !services["web-standard"] || *made.TargetValue != 50 {
			t.Errorf("%s: %s, %d returned, over %v", what, got, returned, services)
		}
		if again := web.Policy(&scaling.ScalingPolicy{PolicyName: aws.String("load"), PolicyType: scaling.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: made}); again != nil {
			t.Errorf("%s: what is printed is found again: %+v", what, again)
		}
	}
}
