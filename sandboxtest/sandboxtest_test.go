package sandboxtest_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/sandboxtest"
)

// TestASpotShortageInATestOfAnotherProgram: what the package's example shows.
func TestASpotShortageInATestOfAnotherProgram(t *testing.T) {
	box := sandboxtest.Start(t)
	box.Workload("prod", "api", 20)
	client := ecs.NewFromConfig(box.Config())
	running := func() int32 {
		out, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: new("prod"), Services: []string{"api-spot"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Services[0].RunningCount
	}
	if got := running(); got != 20 {
		t.Errorf("%d of 20 run", got)
	}
	box.Capacity(sandboxtest.Spot, 5)
	box.Advance(3 * time.Minute)
	if got := running(); got != 5 {
		t.Errorf("%d run where Spot holds 5", got)
	}
	box.Capacity(sandboxtest.Spot, -1)
	if ids := box.Interrupt("prod", "api-spot", 2); len(ids) != 2 {
		t.Errorf("interrupted %v", ids)
	}
	if n := box.Calls("ecs:DescribeServices"); n != 2 {
		t.Errorf("%d calls", n)
	}
}
