package mirror_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/mirror"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/trace"
)

func manual() (*sandbox.Sandbox, aws.Config) {
	box := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, Start: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}})
	return box, aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: box, BaseEndpoint: aws.String("http://sandbox.localhost")}
}

// shape is what a mirror must keep of the services that discover finds.
func shape(t *testing.T, cfg aws.Config) string {
	t.Helper()
	found, err := discover.Find(t.Context(), cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, s := range found.Services {
		d := s.Live.Service.DeploymentConfiguration
		fmt.Fprintf(&out, "%s/%s %d on %v, %+v, %v, scaled %t %d..%d, %d..%d %%, %d target groups\n", s.Cluster, s.Name, s.Desired, s.Capacity, s.Task, s.Providers, s.Scaled, s.ScalingMin, s.ScalingMax,
			aws.ToInt32(d.MinimumHealthyPercent), aws.ToInt32(d.MaximumPercent), len(s.Live.Service.LoadBalancers))
	}
	return out.String()
}

func TestAMirrorHasTheShapeOfWhatIsLiveAndChangesNothingThere(t *testing.T) {
	live, from := manual()
	if err := live.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 6, CPU: 512, Memory: 1024, TargetGroup: true}, sandbox.Twins{Cluster: "prod", Name: "web", Count: 3, CPU: 1024, Memory: 4096, Arch: "ARM64", Alone: true},
		sandbox.Twins{Cluster: "shop", Name: "cart", Count: 2, CPU: 256, Memory: 512}); err != nil {
		t.Fatal(err)
	}
	_, err := scaling.NewFromConfig(from).RegisterScalableTarget(t.Context(), &scaling.RegisterScalableTargetInput{ServiceNamespace: scalingtypes.ServiceNamespaceEcs, ResourceId: aws.String("service/prod/web"),
		ScalableDimension: scalingtypes.ScalableDimensionECSServiceDesiredCount, MinCapacity: aws.Int32(2), MaxCapacity: aws.Int32(9)})
	if err != nil {
		t.Fatal(err)
	}
	want := shape(t, from)
	live.ForgetCalls()
	read, err := mirror.Read(t.Context(), from, "")
	if err != nil || len(read.Unread) != 0 {
		t.Fatalf("read: %v, %v", err, read.Unread)
	}
	for name := range live.Calls().Counts {
		if _, operation, _ := strings.Cut(name, ":"); !strings.HasPrefix(operation, "Describe") && !strings.HasPrefix(operation, "List") {
			t.Errorf("the account was asked for %s", name)
		}
	}
	box, to := manual()
	made, err := read.Build(t.Context(), to, func() { box.AdvanceTo(box.Now().Add(time.Second)) })
	if err != nil || len(made.Services) != 5 || len(made.Differs) != 0 {
		t.Fatalf("made %+v: %v", made, err)
	}
	if got := shape(t, to); got != want {
		t.Errorf("mirrored:\n%swant:\n%s", got, want)
	}
	box.AdvanceTo(box.Now().Add(15 * time.Minute))
	for _, s := range box.State().Services {
		if s.InService != s.Desired {
			t.Errorf("%s/%s: %d of %d in service", s.Cluster, s.Service, s.InService, s.Desired)
		}
	}
	if n := read.SpotTasks(); n != 8 {
		t.Errorf("%d Spot tasks", n)
	}
}

func TestADayIsPlayedRowByRow(t *testing.T) {
	day := &trace.Trace{Name: "day", Columns: []trace.Column{{Pool: trace.Spot}, {Pool: trace.Spot, Zone: "us-east-1a"}, {Pool: trace.Demand}},
		At: []time.Duration{0, time.Hour, 2 * time.Hour}, Values: []int{trace.NoLimit, 5, 8, 3, 5, 8, 3, 0, 9}, Duration: 3 * time.Hour}
	for _, row := range []struct {
		after, until time.Duration
		want         string
	}{
		{-1, 0, "[{spot  -1} {spot us-east-1a 5}]"}, {0, 59 * time.Minute, "[]"}, {0, time.Hour, "[{spot  3}]"},
		{time.Hour, 3 * time.Hour, "[{spot us-east-1a 0}]"}, {-1, 3 * time.Hour, "[{spot  -1} {spot us-east-1a 5} {spot  3} {spot us-east-1a 0}]"},
	} {
		if got := fmt.Sprint(mirror.Due(day, row.after, row.until)); got != row.want {
			t.Errorf("%s..%s: %s, want %s", row.after, row.until, got, row.want)
		}
	}
	if err := mirror.Playable(day); err != nil {
		t.Error(err)
	}
	day.Columns[0].Pool = "eu"
	if mirror.Playable(day) == nil {
		t.Error("a pool of another region is taken")
	}
}
