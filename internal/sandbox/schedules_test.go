package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestAOneTimeScheduleCallsAWSWhenItIsDueAndIsGone(t *testing.T) {
	s := manual(t)
	if err := s.SetupTwins("prod", "api", 3); err != nil {
		t.Fatal(err)
	}
	client := scheduler.NewFromConfig(aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), BaseEndpoint: aws.String("http://localhost"), HTTPClient: s})
	put := func(name, expression, target, input string) error {
		_, err := client.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{Name: &name, ScheduleExpression: &expression, ActionAfterCompletion: types.ActionAfterCompletionDelete,
			FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
			Target:             &types.Target{Arn: aws.String("arn:aws:scheduler:::aws-sdk:" + target), RoleArn: aws.String("arn:aws:iam::123456789012:role/switch"), Input: &input}})
		return err
	}
	at := func(d time.Duration) string { return s.Now().UTC().Add(d).Format("at(2006-01-02T15:04:05)") }
	for name, err := range map[string]error{"no operation": put("a", at(0), "ecs:explode", "{}"), "no time": put("a", "rate(1 hour)", "ecs:updateService", "{}"), "no input": put("a", at(0), "ecs:updateService", "{")} {
		if err == nil || !strings.Contains(err.Error(), "ValidationException") {
			t.Errorf("%s: %v", name, err)
		}
	}
	const service = `"Cluster": "prod", "Service": "api-spot"`
	for _, err := range []error{put("later", at(2*time.Hour), "ecs:deleteService", `{`+service+`, "Force": true}`), put("soon", at(time.Hour), "ecs:updateService", `{`+service+`, "DesiredCount": 0}`),
		put("refused", at(time.Hour), "ecs:updateService", `{"Cluster": "nowhere", "Service": "x"}`), put("never", at(time.Hour), "sqs:purgeQueue", `{}`)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := put("soon", at(time.Hour), "ecs:updateService", "{}"); err == nil || !strings.Contains(err.Error(), "ConflictException") {
		t.Errorf("a second one of the name: %v", err)
	}
	if got := must[*scheduler.GetScheduleOutput](t)(client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String("soon")})); *got.Target.Input != `{`+service+`, "DesiredCount": 0}` {
		t.Errorf("%s", *got.Target.Input)
	}
	must[*scheduler.DeleteScheduleOutput](t)(client.DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: aws.String("never")}))
	names := func() (out string) {
		for _, one := range must[*scheduler.ListSchedulesOutput](t)(client.ListSchedules(t.Context(), &scheduler.ListSchedulesInput{})).Schedules {
			out += *one.Name + " "
		}
		return out
	}
	if got := names(); got != "later refused soon " {
		t.Error(got)
	}
	if due, ok := s.Next(); !ok || due.After(s.Now().Add(time.Hour)) {
		t.Errorf("next: %v %t", due, ok)
	}
	s.AdvanceTo(s.Now().Add(time.Hour - time.Second))
	if n := stateOf(s, "api-spot").Desired; n != 3 {
		t.Errorf("before its time: %d", n)
	}
	s.AdvanceTo(s.Now().Add(90 * time.Minute))
	if got := names(); got != "" {
		t.Errorf("left: %s", got)
	}
	s.World(func(w *ecsim.World) {
		found, _, err := w.DescribeServices("us-east-1", "prod", []string{"api-spot"})
		if err != nil || len(found) == 1 && found[0].Status == "ACTIVE" {
			t.Errorf("%+v %v", found, err)
		}
	})
}
