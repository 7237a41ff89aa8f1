package adopt

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/backstop-ecs/backstop/internal/racetest"
)

// TestScaleInComesBackWhenTheMetricHas: the way takes so long that the low load of twice the tasks has raised the scaler's alarm. It would take tasks away at
// once if it was let go before the metric shows the service alone again.
func TestScaleInComesBackWhenTheMetricHas(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	a := newAccount(t)
	a.web()
	a.loaded("web", 12)
	a.scale("web", 12, rand.New(rand.NewPCG(1, 1)))
	if _, err := applicationautoscaling.NewFromConfig(a.cfg).RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount",
		ResourceId: target("web"), SuspendedState: &scaling.SuspendedState{DynamicScalingInSuspended: aws.Bool(false), DynamicScalingOutSuspended: aws.Bool(false)}}); err != nil {
		t.Fatal(err)
	}
	a.steer("model", `{"start_up_seconds": [600, 610, 620]}`)
	for _, back := range []bool{false, true} {
		a.pass(30 * time.Minute)
		if err := a.adopt("web", back); err != nil {
			t.Fatal(err)
		}
		a.pass(time.Hour)
		if s := a.find().Services[0]; s.Desired != 12 || aws.ToBool(s.Suspended.DynamicScalingInSuspended) {
			t.Errorf("back %t: %d wanted, 12 before", back, s.Desired)
		}
	}
}
