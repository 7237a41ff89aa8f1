package doctor

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/backstop-ecs/backstop/internal/twin"
)

// scaling reads the scalable target of a service, and what moves it.
func (l *looker) scaling(ctx context.Context, s Subject, at place, cfg aws.Config, p *poolFacts) {
	client, id := applicationautoscaling.NewFromConfig(cfg), resourceID(p.ref)
	l.call(ctx, s, at, callScaling, "describe the scalable target of "+p.ref.String(), func(ctx context.Context) error {
		out, err := client.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceIds: []string{id}})
		if err == nil && len(out.ScalableTargets) > 0 {
			p.target = &out.ScalableTargets[0]
		}
		return err
	})
	if p.target == nil {
		return
	}
	l.call(ctx, s, at, callPolicies, "describe the scaling policies of "+p.ref.String(), func(ctx context.Context) error {
		pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(client, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: &id})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			p.policies = append(p.policies, out.ScalingPolicies...)
		}
		return nil
	})
	l.alarms(ctx, s, at, cfg, p)
	l.call(ctx, s, at, callSchedules, "describe the scheduled actions of "+p.ref.String(), func(ctx context.Context) error {
		pages := applicationautoscaling.NewDescribeScheduledActionsPaginator(client, &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: &id})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			p.actions = append(p.actions, out.ScheduledActions...)
		}
		return nil
	})
}

// alarms reads the alarms that the step policies act on. Without the permission their metrics are not known.
func (l *looker) alarms(ctx context.Context, s Subject, at place, cfg aws.Config, p *poolFacts) {
	form := url.Values{"Action": {"DescribeAlarms"}, "Version": {versionCloudWatch}}
	n := 0
	for i := range p.policies {
		if p.policies[i].PolicyType != scaling.PolicyTypeStepScaling {
			continue
		}
		for _, a := range p.policies[i].Alarms {
			n++
			form.Set(fmt.Sprintf("AlarmNames.member.%d", n), aws.ToString(a.AlarmName))
		}
	}
	if n == 0 {
		return
	}
	l.call(ctx, s, at, callAlarms, "describe the alarms of "+p.ref.String(), func(ctx context.Context) (err error) {
		p.alarms, err = describeAlarms(ctx, cfg, form)
		return err
	})
}

// describeAlarms returns alarms by their names.
func describeAlarms(ctx context.Context, cfg aws.Config, form url.Values) (map[string]twin.Alarm, error) {
	type dimension struct{ Name, Value string }
	type metric struct {
		Namespace, MetricName string
		Dimensions            []dimension `xml:"Dimensions>member"`
	}
	var out struct {
		Alarms []struct {
			AlarmName, TreatMissingData string
			metric
			Metrics []metric `xml:"Metrics>member>MetricStat>Metric"`
		} `xml:"DescribeAlarmsResult>MetricAlarms>member"`
	}
	if err := query(ctx, cfg, "monitoring", form, &out); err != nil {
		return nil, err
	}
	all := map[string]twin.Alarm{}
	for _, a := range out.Alarms {
		alarm := twin.Alarm{Missing: a.TreatMissingData}
		for _, m := range append(a.Metrics, a.metric) {
			if m.MetricName == "" { // an alarm has one metric of its own, or several in an expression
				continue
			}
			of := twin.AlarmMetric{Namespace: m.Namespace, Name: m.MetricName}
			for _, d := range m.Dimensions {
				if d.Name == "ServiceName" {
					of.Service = d.Value
				}
			}
			alarm.Metrics = append(alarm.Metrics, of)
		}
		all[a.AlarmName] = alarm
	}
	return all, nil
}
