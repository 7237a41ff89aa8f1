package adopt

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// TestAPolicyThatSeesOneTwinIsOfferedTheOneOverBoth: its command names the twin, and where it is carried out nothing is left to say.
func TestAPolicyThatSeesOneTwinIsOfferedTheOneOverBoth(t *testing.T) {
	a := newAccount(t)
	a.web()
	client := applicationautoscaling.NewFromConfig(a.cfg)
	put := func(c *scaling.TargetTrackingScalingPolicyConfiguration) {
		if _, err := client.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String("service/prod/web"),
			PolicyName: aws.String("by load"), PolicyType: scaling.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: c}); err != nil {
			t.Fatal(err)
		}
	}
	put(&scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(50), PredefinedMetricSpecification: &scaling.PredefinedMetricSpecification{PredefinedMetricType: scaling.MetricTypeECSServiceAverageCPUUtilization}})
	said := func() (out []Obstacle) {
		p, err := a.plan("web", "cover")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Obstacles {
			if strings.HasPrefix(o.Short, "scaling") {
				out = append(out, o)
			}
		}
		return out
	}
	before := said()
	if len(before) != 1 || before[0].Weight != Advice || !strings.Contains(before[0].What, "ECSServiceAverageCPUUtilization of web alone") {
		t.Fatalf("%+v", before)
	}
	m := regexp.MustCompile(`--policy-name 'by load' --target-tracking-scaling-policy-configuration '(.*)'   #`).FindStringSubmatch(before[0].Fix)
	if m == nil || !strings.Contains(m[1], `{"Name":"ServiceName","Value":"cover"}`) {
		t.Fatal(before[0].Fix)
	}
	c := &scaling.TargetTrackingScalingPolicyConfiguration{}
	if err := json.Unmarshal([]byte(m[1]), c); err != nil {
		t.Fatal(err)
	}
	put(c)
	if after := said(); len(after) > 0 {
		t.Errorf("%+v", after)
	}
}
