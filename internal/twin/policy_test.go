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

// scaledWeb is a service whose step policies act on alarms of every kind.
func scaledWeb() Scaled {
	cpu := func(service string) AlarmMetric { return AlarmMetric{"AWS/ECS", "CPUUtilization", service} }
	return Scaled{"us-east-1", "prod", "web", "web-standard", map[string]Alarm{
		"own": {[]AlarmMetric{cpu("web")}, "missing"}, "fires": {[]AlarmMetric{cpu("web")}, "breaching"}, "both": {[]AlarmMetric{cpu("web"), cpu("web-standard")}, "missing"},
		"requests": {[]AlarmMetric{{"AWS/ApplicationELB", "RequestCountPerTarget", ""}}, "missing"},
		"backlog":  {[]AlarmMetric{{"AWS/SQS", "ApproximateNumberOfMessagesVisible", ""}, {"ECS/ContainerInsights", "RunningTaskCount", "web"}}, "missing"}}}
}

// steps is a step policy with alarms.
func steps(alarms ...string) *scaling.ScalingPolicy {
	p := &scaling.ScalingPolicy{PolicyName: aws.String("steps"), PolicyType: scaling.PolicyTypeStepScaling}
	for _, a := range alarms {
		p.Alarms = append(p.Alarms, scaling.Alarm{AlarmName: &a})
	}
	return p
}

const acts = scaling.PredictiveScalingModeForecastAndScale

// forecast is a predictive policy.
func forecast(mode scaling.PredictiveScalingMode, spec scaling.PredictiveScalingMetricSpecification) *scaling.ScalingPolicy {
	spec.TargetValue = aws.Float64(50)
	return &scaling.ScalingPolicy{PolicyName: aws.String("tomorrow"), PolicyType: scaling.PolicyTypePredictiveScaling,
		PredictiveScalingPolicyConfiguration: &scaling.PredictiveScalingPolicyConfiguration{Mode: mode, MetricSpecifications: []scaling.PredictiveScalingMetricSpecification{spec}}}
}

func pair(of string) scaling.PredictiveScalingMetricSpecification {
	return scaling.PredictiveScalingMetricSpecification{PredefinedMetricPairSpecification: &scaling.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: &of}}
}

// loads is a load of its own: CPU of services.
func loads(services ...string) scaling.PredictiveScalingMetricSpecification {
	c := &scaling.PredictiveScalingCustomizedMetricSpecification{}
	for _, s := range services {
		c.MetricDataQueries = append(c.MetricDataQueries, scaling.PredictiveScalingMetricDataQuery{MetricStat: &scaling.PredictiveScalingMetricStat{Metric: &scaling.PredictiveScalingMetric{
			Namespace: aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"), Dimensions: []scaling.PredictiveScalingMetricDimension{{Name: aws.String("ServiceName"), Value: &s}}}}})
	}
	return scaling.PredictiveScalingMetricSpecification{CustomizedLoadMetricSpecification: c}
}

func TestAPolicyIsJudgedByWhatItsMetricIsAbout(t *testing.T) {
	web := scaledWeb()
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
		"steps by an alarm unread":        {steps("hot"), Unknown, ""},
		"steps without an alarm":          {steps(), "", ""},
		"steps by the service's CPU":      {steps("hot", "own"), Alone, ""},
		"steps by an alarm that fires":    {steps("fires"), Alone, ""},
		"steps by requests":               {steps("requests"), "", ""},
		"steps by CPU of both":            {steps("both"), "", ""},
		"steps by messages by tasks":      {steps("backlog"), Backlog, ""},
		"a forecast of nothing":           {&scaling.ScalingPolicy{PolicyName: aws.String("tomorrow"), PolicyType: scaling.PolicyTypePredictiveScaling}, Unknown, ""},
		"a forecast that changes nothing": {forecast(scaling.PredictiveScalingModeForecastOnly, pair("ECSServiceCPUUtilization")), "", ""},
		"a forecast of the service's CPU": {forecast(acts, pair("ECSServiceCPUUtilization")), Alone, ""},
		"a forecast of requests":          {forecast(acts, pair("ALBRequestCount")), "", ""},
		"a forecast by its own load":      {forecast(acts, loads("web")), Alone, ""},
		"a forecast of both":              {forecast(acts, loads("web", "web-standard")), "", ""},
	} {
		f := web.Policy(c.policy)
		if f == nil {
			if c.kind != "" {
				t.Errorf("%s: nothing is found", what)
			}
			continue
		}
		if f.Kind != c.kind || f.What == "" || f.Fix == "" || (f.Then == "") != (f.Kind == Unknown) || strings.Contains(f.Fix, "null") {
			t.Errorf("%s: %+v, want %q", what, f, c.kind)
			continue
		}
		if c.expression != "" {
			printedOverBoth(t, what, web, f, c.expression)
		}
	}
}

// printedOverBoth holds the policy that is printed to one value over both services by an expression.
func printedOverBoth(t *testing.T, what string, web Scaled, f *PolicyFinding, expression string) {
	t.Helper()
	m := regexp.MustCompile(`-configuration '(.*)'$`).FindStringSubmatch(f.Fix)
	if m == nil {
		t.Errorf("%s: %s", what, f.Fix)
		return
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
	if got := aws.ToString(parts[len(parts)-1].Expression); got != expression || returned != 1 || !services["web"] || !services["web-standard"] || *made.TargetValue != 50 {
		t.Errorf("%s: %s, %d returned, over %v", what, got, returned, services)
	}
	if again := web.Policy(&scaling.ScalingPolicy{PolicyName: aws.String("load"), PolicyType: scaling.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: made}); again != nil {
		t.Errorf("%s: what is printed is found again: %+v", what, again)
	}
}

func TestAForecastThatIsStoppedKeepsTheRestOfThePolicy(t *testing.T) {
	p := &scaling.ScalingPolicy{PolicyName: aws.String("tomorrow"), PolicyType: scaling.PolicyTypePredictiveScaling, PredictiveScalingPolicyConfiguration: &scaling.PredictiveScalingPolicyConfiguration{
		Mode: scaling.PredictiveScalingModeForecastAndScale, SchedulingBufferTime: aws.Int32(600), MetricSpecifications: []scaling.PredictiveScalingMetricSpecification{{TargetValue: aws.Float64(40),
			PredefinedMetricPairSpecification: &scaling.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ECSServiceCPUUtilization")}}}}}
	f := Scaled{Region: "us-east-1", Cluster: "prod", Service: "web", Twin: "web-standard"}.Policy(p)
	const want = `--policy-type PredictiveScaling --policy-name tomorrow --predictive-scaling-policy-configuration '{"MetricSpecifications":[{"PredefinedMetricPairSpecification":{"PredefinedMetricType":"ECSServiceCPUUtilization"},"TargetValue":40}],"Mode":"ForecastOnly","SchedulingBufferTime":600}'`
	if f == nil || !strings.Contains(f.Fix, want) {
		t.Errorf("%+v", f)
	}
	if p.PredictiveScalingPolicyConfiguration.Mode != scaling.PredictiveScalingModeForecastAndScale {
		t.Error("the policy itself was changed")
	}
}
