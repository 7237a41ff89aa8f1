package doctor_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/doctor"
)

// byCPU is what nearly every service is scaled by.
func byCPU() *scaling.TargetTrackingScalingPolicyConfiguration {
	return &scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(50), ScaleOutCooldown: aws.Int32(60),
		PredefinedMetricSpecification: &scaling.PredefinedMetricSpecification{PredefinedMetricType: scaling.MetricTypeECSServiceAverageCPUUtilization}}
}

// byBacklog is what the documentation proposes for workers: messages by running tasks.
func byBacklog() *scaling.TargetTrackingScalingPolicyConfiguration {
	dims := func(pairs ...string) (out []scaling.TargetTrackingMetricDimension) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, scaling.TargetTrackingMetricDimension{Name: &pairs[i], Value: &pairs[i+1]})
		}
		return out
	}
	stat := func(id, namespace, name string, d []scaling.TargetTrackingMetricDimension) scaling.TargetTrackingMetricDataQuery {
		return scaling.TargetTrackingMetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &scaling.TargetTrackingMetricStat{Stat: aws.String("Average"),
			Metric: &scaling.TargetTrackingMetric{Namespace: &namespace, MetricName: &name, Dimensions: d}}}
	}
	return &scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(100), ScaleOutCooldown: aws.Int32(60), CustomizedMetricSpecification: &scaling.CustomizedMetricSpecification{
		Metrics: []scaling.TargetTrackingMetricDataQuery{stat("m1", "AWS/SQS", "ApproximateNumberOfMessagesVisible", dims("QueueName", "jobs")),
			stat("m2", "ECS/ContainerInsights", "RunningTaskCount", dims("ClusterName", cluster, "ServiceName", "api-spot")),
			{Id: aws.String("e1"), Expression: aws.String("m1 / m2"), ReturnData: aws.Bool(true)}}}}
}

// forecasting forecasts by a pair of metrics, and acts on it.
func forecasting(pair string) *applicationautoscaling.PutScalingPolicyInput {
	return &applicationautoscaling.PutScalingPolicyInput{PolicyType: scaling.PolicyTypePredictiveScaling, PredictiveScalingPolicyConfiguration: &scaling.PredictiveScalingPolicyConfiguration{
		Mode: scaling.PredictiveScalingModeForecastAndScale, MetricSpecifications: []scaling.PredictiveScalingMetricSpecification{{TargetValue: aws.Float64(50),
			PredefinedMetricPairSpecification: &scaling.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: &pair}}}}}
}

// policy puts the policy load on a service's scalable target.
func (l *lab) policy(service string, c *scaling.TargetTrackingScalingPolicyConfiguration) {
	l.t.Helper()
	l.putPolicy(service, &applicationautoscaling.PutScalingPolicyInput{PolicyType: scaling.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: c})
}

func (l *lab) putPolicy(service string, in *applicationautoscaling.PutScalingPolicyInput) {
	l.t.Helper()
	in.ServiceNamespace, in.ScalableDimension, in.PolicyName, in.ResourceId = "ecs", "ecs:service:DesiredCount", aws.String("load"), aws.String("service/"+cluster+"/"+service)
	must[*applicationautoscaling.PutScalingPolicyOutput](l)(applicationautoscaling.NewFromConfig(l.cfg).PutScalingPolicy(l.t.Context(), in))
}

// steer changes the sandbox.
func (l *lab) steer(what, body string) {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, "http://sandbox.localhost/_sandbox/"+what, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	answer := must[*http.Response](l)(l.box.Do(r))
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: %s", what, answer.Status)
	}
}

// fixed carries out the command that a check prints.
func (l *lab) fixed(check string) {
	l.t.Helper()
	r := l.examine()
	i := slices.IndexFunc(r.Results, func(res doctor.Result) bool { return res.Check == check && res.Status == doctor.Fail })
	if i < 0 {
		l.t.Fatalf("%s does not fail", check)
	}
	m := regexp.MustCompile(`--policy-name load --target-tracking-scaling-policy-configuration '(.*)'$`).FindStringSubmatch(r.Results[i].Fix)
	if m == nil {
		l.t.Fatalf("%s: %s", check, r.Results[i].Fix)
	}
	c := &scaling.TargetTrackingScalingPolicyConfiguration{}
	if err := json.Unmarshal([]byte(m[1]), c); err != nil {
		l.t.Fatal(err)
	}
	l.policy("api-spot", c)
	for _, res := range l.examine().Results {
		if strings.HasPrefix(res.Check, "scaling-") && res.Status != doctor.OK {
			l.t.Errorf("fixed, and %s says %s: %s", res.Check, res.Status, res.Text)
		}
	}
}

// demandAfter plays a loss of Spot that cover makes up for, with a load that needs more tasks afterwards.
func (l *lab) demandAfter(spot int, load string) int {
	l.t.Helper()
	l.register("api-spot", 1, 300, nil)
	if spot == 0 {
		l.steer("capacity", `{"tasks": 0}`)
		l.steer("interrupt", `{"cluster": "prod", "service": "api-spot", "count": 20}`)
	} else {
		l.steer("capacity", `{"tasks": 4}`)
		l.steer("interrupt", `{"cluster": "prod", "service": "api-spot", "count": 16}`)
	}
	l.update("api-standard", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(int32(demand - spot)) })
	l.advance(10 * time.Minute)
	l.steer("load", load)
	l.advance(time.Hour)
	return int(must[*ecs.DescribeServicesOutput](l)(l.ecs().DescribeServices(l.t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"api-spot"}})).Services[0].DesiredCount)
}

// TestThePolicyThatIsPrintedScalesWhileSpotRunsNothing plays L35: with the policy of nearly everybody the demand stands still, with the printed one it follows
// the load.
func TestThePolicyThatIsPrintedScalesWhileSpotRunsNothing(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		l := newLab(t)
		l.steer("model", `{"A76": true}`) // the scaler starts from the desired count
		l.policy("api-spot", byCPU())
		if fixed {
			l.fixed("scaling-metric")
		}
		l.steer("load", `{"cluster": "prod", "service": "api-spot", "requests_per_second": 1000, "per_task": 100}`)
		if n := l.demandAfter(0, `{"cluster": "prod", "service": "api-spot", "requests_per_second": 2000, "per_task": 100}`); (n >= 40) != fixed || !fixed && n != demand {
			t.Errorf("fixed %t: %d wanted after an hour of twice the load", fixed, n)
		}
	}
}

// TestThePolicyThatIsPrintedDoesNotTakeALossForWork plays L36: Spot holds 4 of 20, cover does the rest, and the work stays as it is.
func TestThePolicyThatIsPrintedDoesNotTakeALossForWork(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		l := newLab(t)
		l.steer("model", `{"A76": true}`)
		l.policy("api-spot", byBacklog())
		if fixed {
			l.fixed("scaling-backlog")
		}
		if n := l.demandAfter(4, `{"cluster": "prod", "service": "api-spot", "requests_per_second": 100, "per_task": 5, "queue": "jobs", "backlog": 1900}`); (n <= demand) != fixed || !fixed && n < 2*demand {
			t.Errorf("fixed %t: %d wanted after an hour of the same work", fixed, n)
		}
	}
}
