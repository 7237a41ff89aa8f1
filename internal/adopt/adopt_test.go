package adopt

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// account is an account in the sandbox, with a cluster and a target group.
type account struct {
	t     *testing.T
	box   *sandbox.Sandbox
	cfg   aws.Config
	ecs   *ecs.Client
	group string
	least map[string]int // what must be in service of a service and its twin
}

func newAccount(t *testing.T) *account {
	box := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, ReadLag: -1}, NoThrottle: true})
	a := &account{t: t, box: box, least: map[string]int{},
		cfg: aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: box}}
	a.ecs = ecs.NewFromConfig(a.cfg)
	balancers := elb.NewFromConfig(a.cfg)
	group, err1 := balancers.CreateTargetGroup(t.Context(), &elb.CreateTargetGroupInput{Name: aws.String("web"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String("vpc-1"), TargetType: elbtypes.TargetTypeEnumIp})
	lb, err2 := balancers.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{"subnet-a", "subnet-b"}})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	a.group = *group.TargetGroups[0].TargetGroupArn
	_, err1 = balancers.CreateListener(t.Context(), &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(80), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &a.group}}})
	_, err2 = a.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("prod"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return a
}

// service makes a service on Fargate, on demand unless change says otherwise.
func (a *account) service(name string, desired, stopTimeout int32, change func(in *ecs.CreateServiceInput)) {
	a.t.Helper()
	_, err := a.ecs.RegisterTaskDefinition(a.t.Context(), &ecs.RegisterTaskDefinitionInput{Family: &name, Cpu: aws.String("512"), Memory: aws.String("1024"),
		NetworkMode: types.NetworkModeAwsvpc, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("x:1"), StopTimeout: &stopTimeout, PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80)}}}}})
	if err != nil {
		a.t.Fatal(err)
	}
	in := &ecs.CreateServiceInput{Cluster: aws.String("prod"), ServiceName: &name, TaskDefinition: &name, DesiredCount: &desired, LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}, SecurityGroups: []string{"sg-1"}}}}
	if change != nil {
		change(in)
	}
	if _, err := a.ecs.CreateService(a.t.Context(), in); err != nil {
		a.t.Fatal(err)
	}
}

func on(items ...types.CapacityProviderStrategyItem) func(in *ecs.CreateServiceInput) {
	return func(in *ecs.CreateServiceInput) { in.LaunchType, in.CapacityProviderStrategy = "", items }
}

func provider(name string, weight, base int32) types.CapacityProviderStrategyItem {
	return types.CapacityProviderStrategyItem{CapacityProvider: &name, Weight: weight, Base: base}
}

// pass lets time go by, and holds the account to what must be in service at each second.
func (a *account) pass(d time.Duration) {
	a.t.Helper()
	for range int(d / time.Second) {
		a.box.AdvanceTo(a.box.Now().Add(time.Second))
		a.box.World(func(w *ecsim.World) {
			for name, least := range a.least {
				if sum := w.InService(inProd(name)) + w.InService(inProd(discover.TwinName(name))); sum < least {
					a.t.Fatalf("%d of %d in service of %s and its twin", sum, least, name)
				}
			}
		})
	}
}

func inProd(name string) ecsim.Ref {
	return ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: name}
}

func (a *account) inService() map[string]int {
	out := map[string]int{}
	for _, s := range a.box.State().Services {
		out[s.Service] = s.InService
	}
	return out
}

func (a *account) find() *discover.Found {
	a.t.Helper()
	found, err := discover.Find(a.t.Context(), a.cfg, "")
	if err != nil {
		a.t.Fatal(err)
	}
	return found
}

func (a *account) plan(name, twin string) (Plan, error) {
	a.t.Helper()
	found := a.find()
	for i := range found.Services {
		if found.Services[i].Name == name {
			return PlanOf(found, &found.Services[i], twin, cost.Table{})
		}
	}
	a.t.Fatalf("no service %s", name)
	return Plan{}, nil
}

func TestTheListHasEveryServiceAndTheWorstLast(t *testing.T) {
	a := newAccount(t)
	a.service("web", 4, 120, nil)
	a.service("batch", 2, 30, nil)
	a.service("half", 4, 120, on(provider("FARGATE", 1, 2), provider("FARGATE_SPOT", 1, 0)))
	a.service("api-spot", 3, 120, on(provider("FARGATE_SPOT", 1, 0)))
	a.service("api-standard", 0, 120, func(in *ecs.CreateServiceInput) {
		on(provider("FARGATE", 1, 0))(in)
		in.TaskDefinition, in.AvailabilityZoneRebalancing = aws.String("api-spot"), types.AvailabilityZoneRebalancingDisabled
	})
	a.service("names", 1, 120, func(in *ecs.CreateServiceInput) {
		in.ServiceRegistries = []types.ServiceRegistry{{RegistryArn: aws.String("arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1")}}
	})
	a.pass(3 * time.Minute)
	l := Survey(a.find(), "", cost.Table{})
	var got []string
	for _, r := range l.Services {
		saves := "unknown"
		if r.Saves != nil {
			saves = fmt.Sprintf("%.2f", *r.Saves)
		}
		short := []string{}
		for _, o := range r.Obstacles {
			short = append(short, string(o.Weight)+" "+o.Short)
		}
		got = append(got, fmt.Sprintf("%s %d %s %s %s [%s] %s", r.Service, r.Tasks, r.Capacity, saves, r.State, strings.Join(short, ", "), r.Next))
	}
	// 0.5 vCPU and 1 GB are $0.024685 an hour on demand and $0.007855 on Spot: 730.5 hours of the difference are $12.29 a task.
	want := []string{
		"web 4 on-demand 49.17 ready [note no health check] backstop adopt web --cluster prod",
		"half 4 mixed 36.88 ready [note mixed strategy, note no health check] backstop adopt half --cluster prod",
		"batch 2 on-demand 24.58 advised [advice stopTimeout below 120, note no health check] backstop adopt batch --cluster prod",
		"api-spot 3 Spot 0.00 paired [note no health check] backstop adopt api-spot --cluster prod",
		"api-standard 0 on-demand unknown twin [] ",
		"names 1 on-demand 12.29 blocked [blocks Cloud Map, note no health check] ",
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			break
		}
	}
	if fmt.Sprintf("%.2f", l.Saves) != "110.63" || len(l.Unread) > 0 {
		t.Errorf("in all %.2f, unread %v", l.Saves, l.Unread)
	}
}

func TestWhatIsUnknownIsSaidAndNotZero(t *testing.T) {
	a := newAccount(t)
	a.service("web", 4, 120, nil)
	a.pass(3 * time.Minute)
	for _, operation := range []string{"ecs:DescribeTaskDefinition", "ecs:DescribeServiceRevisions", "ecs:DescribeClusters", "servicequotas:ListServiceQuotas"} {
		if _, err := a.box.AddFault(sandbox.Fault{Kind: "denied", Operation: operation}); err != nil {
			t.Fatal(err)
		}
	}
	l := Survey(a.find(), "", cost.Table{})
	r := &l.Services[0]
	if r.Saves != nil || r.Unknown != errSize.Error() || r.State != Blocked || r.Obstacles[0].Short != "revision unknown" || r.Obstacles[1].Short != "size unknown" || len(l.Unread) != 4 {
		t.Errorf("%+v, unread %q", r, l.Unread)
	}
	var refused *RefusedError
	if _, err := a.plan("web", ""); !errors.As(err, &refused) || refused.Hint() != "allow ecs:DescribeServiceRevisions" {
		t.Errorf("a service that could be read in part: %v", err)
	}
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	arm := func(s *discover.Service) { s.Task.Arch = "ARM64" }
	for want, plant := range map[string]func(f *discover.Found, s *discover.Service){
		"deployments by CODE_DEPLOY": func(_ *discover.Found, s *discover.Service) {
			s.Live.Service.DeploymentController = &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy}
		},
		"offers a name by Service Connect": func(_ *discover.Found, s *discover.Service) {
			s.Live.Revision.ServiceConnectConfiguration = &types.ServiceConnectConfiguration{Enabled: true, Services: []types.ServiceConnectService{{}}}
		},
		"Windows: Fargate Spot runs Linux alone": func(_ *discover.Found, s *discover.Service) {
			s.Definition.RuntimePlatform = &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyWindowsServer2022Core}
		},
		"platform version 1.3.0": func(_ *discover.Found, s *discover.Service) {
			arm(s)
			s.Live.Service.PlatformVersion = aws.String("1.3.0")
		},
		"the cluster lacks the capacity provider FARGATE_SPOT": func(_ *discover.Found, s *discover.Service) { s.Providers = []string{"FARGATE", "mine"} },
		"a deployment is in progress": func(_ *discover.Found, s *discover.Service) {
			s.Live.Service.Deployments = append(s.Live.Service.Deployments, types.Deployment{})
		},
		"on-demand quota L-3032A538: the services here ask for 2 vCPU, web needs 2 more, and the quota is 3": func(f *discover.Found, _ *discover.Service) {
			f.Quotas[discover.QuotaOnDemand] = 3
		},
		"Spot quota L-36FBB829: the services here ask for 0 vCPU, web needs 2 more, and the quota is 1": func(f *discover.Found, _ *discover.Service) {
			f.Quotas[discover.QuotaSpot] = 1
		},
		"web-standard is there and runs 3 tasks of its own": func(f *discover.Found, s *discover.Service) {
			other := *s
			other.Name, other.Desired = "web-standard", 3
			f.Services = append(f.Services, other)
		},
	} {
		a := newAccount(t)
		a.service("web", 4, 120, nil)
		a.pass(3 * time.Minute)
		found := a.find()
		plant(found, &found.Services[0])
		var refused *RefusedError
		_, err := PlanOf(found, &found.Services[0], "", cost.Table{})
		if !errors.As(err, &refused) || len(refused.Obstacles) != 1 || !strings.HasPrefix(refused.Obstacles[0].What, want) || refused.Hint() == "" {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestThePlanKeepsEverythingInService carries out the commands that a plan prints for a service behind a target group, and then
// the undo of each step, the last one first.
func TestThePlanKeepsEverythingInService(t *testing.T) {
	a := newAccount(t)
	a.service("web", 12, 120, func(in *ecs.CreateServiceInput) {
		in.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &a.group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}}
		in.HealthCheckGracePeriodSeconds = aws.Int32(60)
		in.DeploymentConfiguration = &types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(25), MaximumPercent: aws.Int32(100)} // the move takes nine tasks at a time
		in.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}}
	})
	if _, err := applicationautoscaling.NewFromConfig(a.cfg).RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs",
		ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String("service/prod/web"), MinCapacity: aws.Int32(4), MaxCapacity: aws.Int32(40)}); err != nil {
		t.Fatal(err)
	}
	a.pass(5 * time.Minute)
	before := a.find()
	p, err := a.plan("web", "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	a.least["web"] = 12
	for i := range p.Steps {
		st := &p.Steps[i]
		names = append(names, st.Name)
		a.do(st.Commands)
		a.counts(st.Name, st.After)
	}
	if got := strings.Join(names, " "); got != "twin hold-scale-in cover move give-back resume-scale-in guard" {
		t.Errorf("steps: %s", got)
	}
	if _, err := config.Parse([]byte(p.Configuration), "backstop.yaml"); err != nil {
		t.Errorf("the configuration: %v\n%s", err, p.Configuration)
	}
	again, err := a.plan("web", "")
	if err != nil || len(again.Steps) != 1 || again.Steps[0].Name != StepGuard || again.Twin != "web-standard" {
		t.Errorf("a plan of what is adopted: %+v, %v", again.Steps, err)
	}
	for i := len(p.Steps) - 1; i >= 0; i-- {
		a.do(p.Steps[i].Undo)
		if p.Steps[i].Name != StepTwin {
			a.counts("undo of "+p.Steps[i].Name, p.Steps[i].Before)
		}
	}
	after := a.find()
	if len(after.Services) != 1 || after.Services[0].Capacity != before.Services[0].Capacity || after.Services[0].Live.Service.LaunchType != types.LaunchTypeFargate || aws.ToBool(after.Services[0].Suspended.DynamicScalingInSuspended) {
		t.Errorf("after the undo: %+v", after.Services)
	}
}

// counts holds the account to the counts of a step.
func (a *account) counts(step string, want Counts) {
	a.t.Helper()
	var got Counts
	found := a.find()
	for i := range found.Services {
		s := &found.Services[i]
		switch {
		case s.Name == "web-standard":
			got.Twin = s.Desired
		case capacityOf(s) == OnSpot:
			got.Spot = s.Desired
		default:
			got.OnDemand = s.Desired
		}
	}
	if got != want {
		a.t.Errorf("%s: %+v, the plan says %+v", step, got, want)
	}
}

// do carries out commands of the AWS CLI.
func (a *account) do(commands []string) {
	a.t.Helper()
	flag := func(c, name string) string {
		m := regexp.MustCompile(`(?s) --` + name + ` ('[^']*'|\S+)`).FindStringSubmatch(c)
		if m == nil {
			return ""
		}
		return strings.Trim(m[1], "'")
	}
	for _, c := range commands {
		var err error
		switch {
		case !strings.HasPrefix(c, "aws "): // a person's, or ours
			continue
		case flag(c, "region") != "us-east-1":
			err = errors.New("it names no region")
		case strings.HasPrefix(c, "aws ecs create-service"):
			in := &ecs.CreateServiceInput{}
			if err = json.Unmarshal([]byte(flag(c, "cli-input-json")), in); err == nil {
				_, err = a.ecs.CreateService(a.t.Context(), in)
			}
		case strings.HasPrefix(c, "aws ecs delete-service"):
			_, err = a.ecs.DeleteService(a.t.Context(), &ecs.DeleteServiceInput{Cluster: aws.String(flag(c, "cluster")), Service: aws.String(flag(c, "service"))})
		case strings.HasPrefix(c, "aws ecs update-service"):
			err = a.update(flag(c, "cluster"), flag(c, "service"), flag(c, "desired-count"), flag(c, "capacity-provider-strategy"))
		case strings.HasPrefix(c, "aws application-autoscaling register-scalable-target"):
			_, err = applicationautoscaling.NewFromConfig(a.cfg).RegisterScalableTarget(a.t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs",
				ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String(flag(c, "resource-id")),
				SuspendedState: &scaling.SuspendedState{DynamicScalingInSuspended: aws.Bool(strings.Contains(c, "DynamicScalingInSuspended=true"))}})
		case strings.Contains(c, " wait "):
			a.pass(10 * time.Minute)
		default:
			err = errors.New("the test does not know it")
		}
		if err != nil {
			a.t.Fatalf("%s: %v", c, err)
		}
	}
	a.pass(time.Minute)
}

func (a *account) update(cluster, service, count, strategy string) error {
	in := &ecs.UpdateServiceInput{Cluster: &cluster, Service: &service}
	switch {
	case count != "":
		var n int32
		if _, err := fmt.Sscan(count, &n); err != nil {
			return err
		}
		in.DesiredCount = &n
	case strategy == "[]":
		in.CapacityProviderStrategy, in.ForceNewDeployment = []types.CapacityProviderStrategyItem{}, true
	default:
		name, _, _ := strings.Cut(strings.TrimPrefix(strategy, "capacityProvider="), ",")
		in.CapacityProviderStrategy, in.ForceNewDeployment = []types.CapacityProviderStrategyItem{provider(name, 1, 0)}, true
	}
	_, err := a.ecs.UpdateService(a.t.Context(), in)
	return err
}
