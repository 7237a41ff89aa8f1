package service

import (
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

func deployment(id, status string, state types.DeploymentRolloutState) types.Deployment {
	return types.Deployment{Id: &id, Status: &status, RolloutState: state}
}

func TestWhichRevisionsCarryTraffic(t *testing.T) {
	const running, completed, failed = types.DeploymentRolloutStateInProgress, types.DeploymentRolloutStateCompleted, types.DeploymentRolloutStateFailed
	now, old := "ecs-svc/2", "ecs-svc/1"
	for name, c := range map[string]struct {
		primary  types.DeploymentRolloutState
		strategy types.DeploymentStrategy
		alone    bool
		want     []failover.Revision
	}{
		"one revision":         {primary: completed, alone: true},
		"a rolling deployment": {primary: running, want: []failover.Revision{{ID: now, Share: 1, Deploying: true}, {ID: old, Share: 1}}},
		"early success":        {primary: completed, want: []failover.Revision{{ID: now, Share: 1}, {ID: old}}},
		"one that failed":      {primary: failed, want: []failover.Revision{{ID: now, Share: 1}, {ID: old, Share: 1}}},
		"blue/green": {primary: running, strategy: types.DeploymentStrategyBlueGreen,
			want: []failover.Revision{{ID: now, Unread: true, Deploying: true}, {ID: old, Unread: true}}},
	} {
		sv := types.Service{Deployments: []types.Deployment{deployment(now, "PRIMARY", c.primary), deployment(old, "ACTIVE", completed)},
			DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: c.strategy}}
		if c.alone {
			sv.Deployments = sv.Deployments[:1]
		}
		if got := revisionsOf(&sv); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestWhatADeploymentMayTake(t *testing.T) {
	for _, c := range []struct {
		least    *int32
		strategy types.DeploymentStrategy
		want     float64
	}{{aws.Int32(50), "", 0.5}, {aws.Int32(100), types.DeploymentStrategyRolling, 0}, {aws.Int32(150), "", 0}, {nil, "", 0}, {aws.Int32(50), types.DeploymentStrategyCanary, 0}} {
		sv := types.Service{DeploymentConfiguration: &types.DeploymentConfiguration{MinimumHealthyPercent: c.least, Strategy: c.strategy}}
		if got := mayTake(&sv); got != c.want {
			t.Errorf("minimum %v, strategy %q: it may take %g, want %g", aws.ToInt32(c.least), c.strategy, got, c.want)
		}
	}
}

// taskAt is a task of a revision at an address.
func taskAt(revision, ip string) types.Task {
	return types.Task{StartedBy: &revision, LastStatus: aws.String("RUNNING"), Attachments: []types.Attachment{{Status: aws.String("ATTACHED"),
		Details: []types.KeyValuePair{{Name: aws.String("privateIPv4Address"), Value: &ip}}}}}
}

// TestSharesOfTrafficAreTheListenersWeights: blue is in one group, green in the other; whichever has the weight serves.
func TestSharesOfTrafficAreTheListenersWeights(t *testing.T) {
	healthy := func(ips ...string) map[string][]target {
		out := map[string][]target{}
		for _, ip := range ips {
			out[ip] = []target{{80, elbtypes.TargetHealthStateEnumHealthy}}
		}
		return out
	}
	tasks := []types.Task{taskAt("ecs-svc/1", "10.0.0.1"), taskAt("ecs-svc/1", "10.0.0.2"), taskAt("ecs-svc/2", "10.0.0.3")}
	for _, c := range []struct {
		blue, green float64
		shares      [2]float64
		ready       [3]bool
	}{
		{100, 0, [2]float64{1, 0}, [3]bool{true, true, false}},
		{75, 25, [2]float64{0.75, 0.25}, [3]bool{true, true, true}},
		{0, 100, [2]float64{0, 1}, [3]bool{false, false, true}},
		{0, 0, [2]float64{1, 1}, [3]bool{}}, // out of traffic, which says more than shares
	} {
		e := entry{group: "blue", alternate: "green", port: 80}
		l := look{health: true, f: facts{entries: []entry{e}, deploying: true, revisions: []failover.Revision{{ID: "ecs-svc/1", Unread: true}, {ID: "ecs-svc/2", Unread: true, Deploying: true}}},
			groups: reading{entries: []served{{entry: e, weights: []float64{c.blue, c.green}}},
				targets: map[string]map[string][]target{"blue": healthy("10.0.0.1", "10.0.0.2"), "green": healthy("10.0.0.3")}}}
		got := l.revisions(tasks)
		if got[0].Share != c.shares[0] || got[1].Share != c.shares[1] || got[0].Unread || !got[1].Deploying {
			t.Errorf("weights %g and %g give %+v, want the shares %v", c.blue, c.green, got, c.shares)
		}
		for i := range tasks {
			if ready := l.ready(&tasks[i]) == failover.HealthReady; ready != c.ready[i] {
				t.Errorf("weights %g and %g: task %d is ready %t, want %t", c.blue, c.green, i, ready, c.ready[i])
			}
		}
		if l.groups.outOfTraffic() != (c.blue+c.green == 0) {
			t.Errorf("weights %g and %g: out of traffic %t", c.blue, c.green, l.groups.outOfTraffic())
		}
	}
}

// TestTestTrafficMakesNoTaskServe: a listener for tests sends the next revision's group everything.
func TestTestTrafficMakesNoTaskServe(t *testing.T) {
	b := balancers{limits: newLimits(1, 1)}
	now := start
	seed := func(group string) {
		_, _ = b.homes.of(group).get(t.Context(), now, age{fresh: time.Hour}, nil, func(bool) ([]string, error) { return []string{"lb"}, nil })
	}
	seed("blue")
	seed("green")
	_, _ = b.routes.of("lb").get(t.Context(), now, age{fresh: time.Hour}, nil, func(bool) ([]route, error) {
		return []route{{"rule", "listener", "blue", 1}, {"test-rule", "test-listener", "green", 1}}, nil
	})
	tests := func(rule string) bool { return rule == "test-rule" }
	for _, c := range []struct {
		e     entry
		group string
		want  float64
	}{
		{entry{production: "rule"}, "blue", 1}, {entry{production: "listener"}, "blue", 1}, {entry{production: "rule"}, "green", 0},
		{entry{}, "blue", 1}, {entry{}, "green", 0}, // a twin that names no rule
	} {
		if got, err := b.weight(t.Context(), now, ages{age{fresh: time.Hour}, age{fresh: time.Hour}, age{fresh: time.Hour}}, &c.e, c.group, tests, control.Worth{}); err != nil || got != c.want {
			t.Errorf("%+v: %s has the weight %g, want %g (%v)", c.e, c.group, got, c.want, err)
		}
	}
}

// TestContainerHealthSaysWhenATaskIsReady without any target group.
func TestContainerHealthSaysWhenATaskIsReady(t *testing.T) {
	box, s := world(t, 1, "other")
	c := s.clients.get(region, "").ecs
	made, err := c.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("api"), Cpu: aws.String("256"), Memory: aws.String("512"),
		NetworkMode: types.NetworkModeAwsvpc, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web:1"), DockerLabels: map[string]string{"backstop.sandbox/warm-up-seconds": "60"},
			HealthCheck: &types.HealthCheck{Command: []string{"CMD", "true"}, Interval: aws.Int32(10), StartPeriod: aws.Int32(120)}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("api"), TaskDefinition: made.TaskDefinition.TaskDefinitionArn,
		DesiredCount: aws.Int32(3), CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 1}},
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}}}}); err != nil {
		t.Fatal(err)
	}
	warming, ready := false, false
	for range 40 {
		box.AdvanceTo(box.Now().Add(10 * time.Second))
		_, found := seen(t, s, "api")
		health, _ := tally(found)
		warming = warming || health[failover.HealthNotReady] == 3
		ready = health[failover.HealthReady] == 3
		if health[failover.HealthUnread] > 0 || len(found.Tasks) == 3 && !found.HealthBased {
			t.Fatalf("seen as %+v", found)
		}
	}
	if !warming || !ready {
		t.Errorf("its tasks were seen warming %t, and ready at last %t", warming, ready)
	}
	if _, obs := s.Describe(t.Context(), []control.ServiceRef{ref("api")}, control.Worth{}); !obs[0].HealthBased {
		t.Error("a service whose containers have health checks is described as one without")
	}
}

func TestAMixedStrategyIsNamed(t *testing.T) {
	item := func(provider string, base, weight int32) types.CapacityProviderStrategyItem {
		return types.CapacityProviderStrategyItem{CapacityProvider: &provider, Base: base, Weight: weight}
	}
	for _, c := range []struct {
		strategy []types.CapacityProviderStrategyItem
		want     string
	}{
		{nil, ""},
		{[]types.CapacityProviderStrategyItem{item("FARGATE_SPOT", 0, 1)}, ""},
		{[]types.CapacityProviderStrategyItem{item("FARGATE_SPOT", 0, 1), item("FARGATE", 0, 0)}, ""},
		{[]types.CapacityProviderStrategyItem{item("FARGATE_SPOT", 0, 3), item("FARGATE", 2, 0)}, "FARGATE, FARGATE_SPOT"},
	} {
		if got := mixedOf(&types.Service{CapacityProviderStrategy: c.strategy}); got != c.want {
			t.Errorf("%+v mixes %q, want %q", c.strategy, got, c.want)
		}
	}
}
