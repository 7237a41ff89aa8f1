package adopt

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// allFlag kills an adoption at all calls that were chosen, and not at two of them.
var allFlag = flag.Bool("all", false, "kill an adoption at every chosen call")

var seeds = flag.Int("seeds", 1, "how many accounts of forty services to adopt and undo, each from a seed of its own")

// refusedKinds cannot be adopted.
var refusedKinds = []string{"codedeploy", "server", "map"}

// forty fills an account from a seed, each kind of service at least three times, and returns the names, and those of services whose deployments
// can replace no task.
func (a *account) forty(r *rand.Rand) (names, narrow []string) {
	kinds := append([]string{"web", "worker", "scheduled", "mixed", "shift", "client", "volume", "spot", "web", "worker"}, refusedKinds...)
	for i := range 40 {
		kind, n := kinds[i%len(kinds)], int32(1+r.IntN(6))
		name := fmt.Sprintf("%s-%d", kind, i)
		names = append(names, name)
		percent := [][2]int32{{100, 200}, {50, 150}, {25, 100}, {50, 100}}[r.IntN(4)]
		if n == 1 && percent[1] < 200 && kind != "shift" && kind != "spot" {
			narrow = append(narrow, name)
		}
		plain := func(in *ecs.CreateServiceInput) {
			in.DeploymentConfiguration = &types.DeploymentConfiguration{MinimumHealthyPercent: &percent[0], MaximumPercent: &percent[1]}
			in.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
			if r.IntN(2) == 0 {
				in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String(fmt.Sprint(r.IntN(5)))}}
			}
		}
		balanced := func(in *ecs.CreateServiceInput) {
			plain(in)
			in.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &a.group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}}
			in.HealthCheckGracePeriodSeconds = aws.Int32(int32(30 * r.IntN(4)))
		}
		switch kind {
		case "web":
			a.service(name, n, 120, balanced)
			a.loaded(name, n)
			a.scale(name, n, r)
		case "worker":
			a.service(name, n, 30+int32(r.IntN(2))*90, plain)
		case "scheduled":
			a.service(name, n, 120, plain)
			a.schedule(name, n)
		case "mixed":
			a.service(name, n, 120, func(in *ecs.CreateServiceInput) {
				balanced(in)
				on(provider("FARGATE", 1+int32(r.IntN(3)), int32(r.IntN(2))), provider("FARGATE_SPOT", 1+int32(r.IntN(3)), 0))(in)
			})
		case "shift":
			a.shifting(name, n, []types.DeploymentStrategy{types.DeploymentStrategyBlueGreen, types.DeploymentStrategyCanary, types.DeploymentStrategyLinear}[r.IntN(3)], int32(r.IntN(3)))
		case "client":
			a.service(name, n, 120, func(in *ecs.CreateServiceInput) {
				plain(in)
				in.ServiceConnectConfiguration = &types.ServiceConnectConfiguration{Enabled: true, Namespace: aws.String("internal")}
			})
		case "volume":
			a.service(name, n, 120, func(in *ecs.CreateServiceInput) {
				plain(in)
				in.VolumeConfigurations = []types.ServiceVolumeConfiguration{{Name: aws.String("data"), ManagedEBSVolume: &types.ServiceManagedEBSVolumeConfiguration{RoleArn: aws.String("role"), SizeInGiB: aws.Int32(20)}}}
			})
		case "spot":
			a.service(name, n, 120, func(in *ecs.CreateServiceInput) { plain(in); on(provider("FARGATE_SPOT", 1, 0))(in) })
		case "codedeploy":
			a.service(name, n, 120, func(in *ecs.CreateServiceInput) {
				plain(in)
				in.DeploymentController = &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy}
			})
		case "server":
			a.service(name, n, 120, func(in *ecs.CreateServiceInput) {
				plain(in)
				in.ServiceConnectConfiguration = &types.ServiceConnectConfiguration{Enabled: true, Namespace: aws.String("internal"), Services: []types.ServiceConnectService{{PortName: aws.String("http")}}}
			})
		case "map":
			a.service(name, n, 120, func(in *ecs.CreateServiceInput) {
				plain(in)
				in.ServiceRegistries = []types.ServiceRegistry{{RegistryArn: aws.String("arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1")}}
			})
		}
		a.least[name] = int(n)
	}
	return names, narrow
}

// target is the name of a service in Application Auto Scaling.
func target(name string) *string { return aws.String("service/prod/" + name) }

func (a *account) scale(name string, n int32, r *rand.Rand) {
	a.t.Helper()
	client := applicationautoscaling.NewFromConfig(a.cfg)
	_, err1 := client.RegisterScalableTarget(a.t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: target(name),
		MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(4 * n), SuspendedState: &scaling.SuspendedState{DynamicScalingInSuspended: aws.Bool(r.IntN(3) == 0), DynamicScalingOutSuspended: aws.Bool(r.IntN(3) == 0)}})
	_, err2 := client.PutScalingPolicy(a.t.Context(), &applicationautoscaling.PutScalingPolicyInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: target(name),
		PolicyName: aws.String("load"), PolicyType: scaling.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: &scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(50),
			PredefinedMetricSpecification: &scaling.PredefinedMetricSpecification{PredefinedMetricType: scaling.MetricTypeECSServiceAverageCPUUtilization}}})
	if err := errors.Join(err1, err2); err != nil {
		a.t.Fatal(err)
	}
}

// loaded gives a service as much work as its policy wants; its twin will take its part of it.
func (a *account) loaded(name string, n int32) {
	a.steer("load", fmt.Sprintf(`{"cluster": "prod", "service": %q, "with": [%q], "requests_per_second": %d, "per_task": 100}`, name, discover.TwinName(name), 48*n))
}

func (a *account) schedule(name string, n int32) {
	a.t.Helper()
	client := applicationautoscaling.NewFromConfig(a.cfg)
	_, err1 := client.RegisterScalableTarget(a.t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: target(name),
		MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(3 * n)})
	_, err2 := client.PutScheduledAction(a.t.Context(), &applicationautoscaling.PutScheduledActionInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: target(name),
		ScheduledActionName: aws.String("new-year"), Schedule: aws.String("at(2030-01-01T00:00:00)"), ScalableTargetAction: &scaling.ScalableTargetAction{MinCapacity: aws.Int32(n)}})
	if err := errors.Join(err1, err2); err != nil {
		a.t.Fatal(err)
	}
}

// picture is everything of the account field by field, but for ids, times, revisions and events.
func (a *account) picture() map[string]string {
	a.t.Helper()
	out := map[string]string{}
	write := func(key string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			a.t.Fatal(err)
		}
		out[key] = string(text)
	}
	found := a.find()
	for i := range found.Services {
		s := &found.Services[i]
		live := *s.Live.Service
		live.CreatedAt, live.Deployments, live.Events, live.CurrentServiceDeployment, live.CurrentServiceRevisions = nil, nil, nil, nil, nil
		write(s.Name, live)
		if s.Live.Revision == nil {
			a.t.Fatalf("%s: its revision is not known", s.Name)
		}
		revision := *s.Live.Revision
		revision.CreatedAt, revision.ServiceRevisionArn, revision.ResolvedConfiguration = nil, nil, nil
		write(s.Name+" as a revision", revision)
		write(s.Name+" and its policies", s.Policies)
	}
	client := applicationautoscaling.NewFromConfig(a.cfg)
	targets, err1 := client.DescribeScalableTargets(a.t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: "ecs"})
	actions, err2 := client.DescribeScheduledActions(a.t.Context(), &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: "ecs"})
	if err := errors.Join(err1, err2); err != nil {
		a.t.Fatal(err)
	}
	for _, t := range targets.ScalableTargets {
		write("target "+*t.ResourceId, t)
	}
	write("actions", actions.ScheduledActions)
	return out
}

// killed runs campaigns that are killed after a number of calls from the seed, and then one that is not.
func (a *account) killed(r *rand.Rand, back bool, times int) {
	a.t.Helper()
	kills := 0
	for range times {
		if _, err := a.campaign(back, 30+r.IntN(900), r.IntN(2) == 0); err != nil && !errors.Is(err, errKilled) {
			a.t.Fatal(err)
		} else if err != nil {
			kills++
		}
		a.pass(time.Duration(r.IntN(120)) * time.Second)
	}
	if kills < times {
		a.t.Errorf("killed %d times, want %d", kills, times)
	}
	if _, err := a.campaign(back, whole, false); err != nil {
		a.t.Fatal(err)
	}
}

// TestAnAccountOfFortyServicesIsGuardedAndAsItWas goes from nothing to guarded with adopt --all, killed ten times half way, and back. In service never falls, and
// in the end everything is as it was, field by field.
func TestAnAccountOfFortyServicesIsGuardedAndAsItWas(t *testing.T) {
	if testing.Short() || racetest.Enabled {
		t.Skip("some ten seconds, and one goroutine")
	}
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			a, r := newAccount(t), rand.New(rand.NewPCG(uint64(seed+1), 40))
			names, narrow := a.forty(r)
			least := a.least
			a.least = nil
			a.pass(20 * time.Minute)
			a.least = least
			a.pass(time.Second) // all of it is in service
			before := a.picture()

			a.killed(r, false, 10)
			f := FleetOf(a.find(), "", cost.Table{}, false)
			if len(f.Todo()) > 0 {
				t.Errorf("left to do: %+v", f.Todo())
			}
			var skipped []string
			for _, s := range f.Skipped {
				skipped = append(skipped, s.Service)
			}
			wanted := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
				kind, _, _ := strings.Cut(name, "-")
				return !slices.Contains(refusedKinds, kind) && !slices.Contains(narrow, name)
			})
			slices.Sort(wanted)
			if !slices.Equal(skipped, wanted) {
				t.Errorf("skipped %v, want %v", skipped, wanted)
			}
			a.guarded(len(names) - len(wanted))

			a.killed(r, true, 5)
			after := a.picture()
			for key, was := range before {
				if after[key] != was {
					t.Errorf("%s is not as it was:\n%s\n%s", key, was, after[key])
				}
			}
			if len(after) != len(before) {
				t.Errorf("%d things, and %d before", len(after), len(before))
			}
		})
	}
}

// guarded looks at the account with the configuration that adopt writes, by the guard itself, as it will act.
func (a *account) guarded(workloads int) {
	a.t.Helper()
	text := strings.ReplaceAll(Configuration(a.find()), "preset: observe", "preset: fill")
	file, err := config.Parse([]byte(text), "backstop.yaml")
	if err != nil {
		a.t.Fatalf("%v\n%s", err, text)
	}
	if len(file.Workloads) != workloads {
		a.t.Errorf("%d workloads in the configuration, want %d", len(file.Workloads), workloads)
	}
	file.State.SQLite = filepath.Join(a.t.TempDir(), "state.db")
	guard, err := app.New(a.t.Context(), app.Options{Config: file, AWS: a.cfg, Now: a.box.Now})
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = guard.Close() }()
	reports, err := guard.Step(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	for i := range reports {
		r := &reports[i]
		if r.Err != nil || len(r.Decision.Actions) > 0 || len(r.Decision.Findings) > 0 || r.Decision.Missing.High > 0 {
			a.t.Errorf("%s: %v, %+v, %+v, missing %v", r.Workload, r.Err, r.Decision.Actions, r.Decision.Findings, r.Decision.Missing)
		}
	}
}
