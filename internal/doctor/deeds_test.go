package doctor

import (
	"os"
	"regexp"
	"testing"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// sometimes are actions that the guard needs where something is there that this workload lacks, or that are the runtime's.
var sometimes = map[string]bool{"application-autoscaling:RegisterScalableTarget": true, "elasticloadbalancing:DeregisterTargets": true, "iam:PassRole": true, "ecs:RunTask": true, "sts:AssumeRole": true, "sts:TagSession": true,
	"sqs:GetQueueAttributes": true, "sns:Publish": true, "kms:GenerateDataKey": true, "kms:Decrypt": true, "ssm:GetParameter": true, "s3:GetObject": true, "logs:CreateLogStream": true, "logs:PutLogEvents": true}

// TestEveryPermissionOfThePageIsTried holds what IAM is asked about against docs/iam.md.
func TestEveryPermissionOfThePageIsTried(t *testing.T) {
	page, err := os.ReadFile("../../docs/iam.md")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := failover.Preset(failover.PresetFill)
	p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}}
	f := &facts{account: "123456789012", table: "backstop", homeRegion: "us-east-1", pools: map[Subject]*poolFacts{}, workloads: []control.Workload{{Name: "api", Policy: p,
		Refs: []control.ServiceRef{{Region: "us-east-1", Cluster: "prod", Service: "api-spot"}}}}}
	f.events.queueARN = "arn:aws:sqs:us-east-1:123456789012:backstop"
	asked := map[string]bool{}
	for _, d := range f.deeds() {
		asked[d.action] = true
	}
	written := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+:[A-Za-z]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		written[m[1]] = true
		if !asked[m[1]] && !sometimes[m[1]] {
			t.Errorf("%s is on the page, and IAM is not asked about it", m[1])
		}
	}
	for action := range asked {
		if !written[action] {
			t.Errorf("IAM is asked about %s, which is not on the page", action)
		}
	}
}
