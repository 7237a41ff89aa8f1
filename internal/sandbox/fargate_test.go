package sandbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// in is the network of tasks that lie in the subnets.
func in(subnets ...string) *types.NetworkConfiguration {
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: subnets}}
}

// wantRefused asserts code and message to the letter; both empty: no error.
func wantRefused(t *testing.T, err error, code, message string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Errorf("want %s: %s, got %v", code, message, err)
		return
	}
	if api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("want %s: %s\n got %s: %s", code, message, api.ErrorCode(), api.ErrorMessage())
	}
}

// fargate is a task definition for Fargate; a size of "-" is none.
func fargate(cpu, memory string) *ecs.RegisterTaskDefinitionInput {
	d := &ecs.RegisterTaskDefinitionInput{Family: new("f"), NetworkMode: types.NetworkModeAwsvpc, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions: []types.ContainerDefinition{{Name: new("app"), Image: new("app:1")}}}
	if cpu != "-" {
		d.Cpu = &cpu
	}
	if memory != "-" {
		d.Memory = &memory
	}
	return d
}

func TestTheSizesOfFargateAreThoseOfAWS(t *testing.T) {
	c := connect(manual(t, func(o *sandbox.Options) { o.NoThrottle = true }))
	none := func(cpu, memory string) string {
		return "No Fargate configuration exists for given values: " + cpu + " CPU, " + memory + " memory. See the Amazon ECS documentation for the valid values."
	}
	invalid := func(what string) string {
		return "Invalid '" + what + "' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	}
	for _, x := range []struct{ cpu, memory, refusal string }{
		{"256", "512", ""}, {"256", "1024", ""}, {"256", "2048", ""}, {"256", "1536", none("256", "1536")}, {"256", "3072", none("256", "3072")}, {"256", "4096", none("256", "4096")},
		{"512", "1024", ""}, {"512", "4096", ""}, {"512", "512", none("512", "512")}, {"512", "5120", none("512", "5120")},
		{"1024", "2048", ""}, {"1024", "8192", ""}, {"1024", "1024", none("1024", "1024")}, {"1024", "2560", none("1024", "2560")}, {"1024", "9216", none("1024", "9216")},
		{"2048", "4096", ""}, {"2048", "16384", ""}, {"2048", "17408", none("2048", "17408")},
		{"4096", "8192", ""}, {"4096", "30720", ""}, {"4096", "31744", none("4096", "31744")},
		{"8192", "16384", ""}, {"8192", "20480", ""}, {"8192", "61440", ""}, {"8192", "17408", none("8192", "17408")}, {"8192", "62464", none("8192", "62464")},
		{"16384", "32768", ""}, {"16384", "40960", ""}, {"16384", "122880", ""}, {"16384", "36864", none("16384", "36864")}, {"16384", "131072", none("16384", "131072")},
		{"300", "512", none("300", "512")}, {"128", "256", none("128", "256")}, {"32768", "131072", none("32768", "131072")},
		{".25 vCPU", "0.5GB", ""}, {"1 vCPU", "2 GB", ""}, {"0.5 vcpu", "1gb", ""}, {"16 vCPU", "120 GB", ""}, {"1vCPU", "0.5 GB", none("1024", "512")},
		{"-", "512", "Fargate requires that 'cpu' be defined at the task level."}, {"256", "-", "Fargate requires that 'memory' be defined at the task level."},
		{"", "512", invalid("cpu")}, {"one", "512", invalid("cpu")}, {"1 GB", "512", invalid("cpu")}, {"-256", "512", invalid("cpu")}, {"0", "512", invalid("cpu")},
		{"256.5", "512", invalid("cpu")}, {"1e3", "512", invalid("cpu")}, {"9999999999", "512", invalid("cpu")},
		{"256", "", invalid("memory")}, {"256", "half", invalid("memory")}, {"256", "512 MiB", invalid("memory")},
	} {
		code := ""
		if x.refusal != "" {
			code = "ClientException"
		}
		t.Run(x.cpu+" and "+x.memory, func(t *testing.T) {
			_, err := c.ecs.RegisterTaskDefinition(t.Context(), fargate(x.cpu, x.memory))
			wantRefused(t, err, code, x.refusal)
		})
	}
}

func TestSizesAreGivenBackInUnits(t *testing.T) {
	c := connect(manual(t))
	d := must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(t.Context(), fargate(".25 vCPU", "0.5GB"))).TaskDefinition
	if *d.Cpu != "256" || *d.Memory != "512" {
		t.Errorf("size: %s and %s", *d.Cpu, *d.Memory)
	}
	if fmt.Sprintf("%v %v %s", d.Compatibilities, d.RequiresCompatibilities, d.NetworkMode) != "[EC2 FARGATE] [FARGATE] awsvpc" {
		t.Errorf("%v, %v, %s", d.Compatibilities, d.RequiresCompatibilities, d.NetworkMode)
	}
}

func TestFargateWantsTheNetworkModeAwsvpc(t *testing.T) {
	c := connect(manual(t))
	for _, mode := range []types.NetworkMode{"", "bridge", "host", "none"} {
		d := fargate("256", "512")
		d.NetworkMode = mode
		_, err := c.ecs.RegisterTaskDefinition(t.Context(), d)
		wantRefused(t, err, "ClientException", "Fargate only supports network mode ‘awsvpc’.")
	}
}

// TestADefinitionThatIsNotForFargateIsTakenAndNotRun registers what would do for EC2.
func TestADefinitionThatIsNotForFargateIsTakenAndNotRun(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	plain := fargate("-", "-")
	plain.RequiresCompatibilities, plain.NetworkMode = nil, ""
	plain.ContainerDefinitions[0].Memory = new(int32(64))
	odd := fargate("300", "512")
	odd.RequiresCompatibilities = nil
	for what, d := range map[string]*ecs.RegisterTaskDefinitionInput{"neither size nor network mode": plain, "no size of Fargate's": odd} {
		made := must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(t.Context(), d)).TaskDefinition
		if fmt.Sprint(made.Compatibilities) != "[EXTERNAL EC2]" {
			t.Errorf("%s: compatible with %v", what, made.Compatibilities)
		}
		_, err := c.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("x"), TaskDefinition: made.TaskDefinitionArn, NetworkConfiguration: in("subnet-a")})
		wantRefused(t, err, "InvalidParameterException", "Task definition does not support launch_type FARGATE.")
		_, err = c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), TaskDefinition: made.TaskDefinitionArn})
		wantRefused(t, err, "InvalidParameterException", "Task definition does not support launch_type FARGATE.")
	}
	fits := fargate("256", "512") // everything that Fargate wants, without naming it
	fits.RequiresCompatibilities = nil
	made := must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(t.Context(), fits)).TaskDefinition
	if fmt.Sprint(made.Compatibilities) != "[EC2 FARGATE]" || made.RequiresCompatibilities != nil {
		t.Errorf("compatible with %v, requires %v", made.Compatibilities, made.RequiresCompatibilities)
	}
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), TaskDefinition: made.TaskDefinitionArn}))
}

func TestTasksWantSubnets(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	ctx := t.Context()
	create := func(launch types.LaunchType, n *types.NetworkConfiguration) error {
		_, err := c.ecs.CreateService(ctx, &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("x"), TaskDefinition: new("api"), LaunchType: launch, NetworkConfiguration: n})
		return err
	}
	update := func(in *ecs.UpdateServiceInput) error {
		in.Cluster = new("prod")
		_, err := c.ecs.UpdateService(ctx, in)
		return err
	}
	run := func(n *types.NetworkConfiguration) error {
		_, err := c.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), NetworkConfiguration: n})
		return err
	}
	for _, x := range []struct {
		what          string
		err           error
		code, message string
	}{
		{"a service without a network", create("", nil), "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"with the launch type", create(types.LaunchTypeFargate, nil), "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"without awsvpcConfiguration", create("", &types.NetworkConfiguration{}), "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"without subnets", create("", in([]string{}...)), "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"a task without a network", run(nil), "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"an update that takes the network away", update(&ecs.UpdateServiceInput{Service: new("api"), NetworkConfiguration: in([]string{}...)}),
			"InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"a service that is not there", update(&ecs.UpdateServiceInput{Service: new("y"), NetworkConfiguration: in([]string{}...)}), "ServiceNotFoundException", "Service not found."},
		{"a definition that is not there", update(&ecs.UpdateServiceInput{Service: new("api"), TaskDefinition: new("none")}), "ClientException", "TaskDefinition not found."},
		{"an update of something else", update(&ecs.UpdateServiceInput{Service: new("api"), DesiredCount: aws.Int32(2)}), "", ""},
		{"another network", update(&ecs.UpdateServiceInput{Service: new("api"), NetworkConfiguration: in("subnet-c")}), "", ""},
		{"a service in a network", create("", in("subnet-a")), "", ""},
	} {
		t.Run(x.what, func(t *testing.T) { wantRefused(t, x.err, x.code, x.message) })
	}
	if got := service(t, c, "api"); fmt.Sprint(got.NetworkConfiguration.AwsvpcConfiguration.Subnets) != "[subnet-c]" || got.DesiredCount != 2 {
		t.Errorf("after the updates: %v, %d", got.NetworkConfiguration.AwsvpcConfiguration.Subnets, got.DesiredCount)
	}
}

// TestANullInAnUpdateChangesNothing asks without the SDK, which would not send it.
func TestANullInAnUpdateChangesNothing(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	w := post(s, strings.NewReader(`{"cluster": "prod", "service": "api", "desiredCount": 3, "networkConfiguration": null}`),
		map[string]string{"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.UpdateService"})
	if n := service(t, c, "api").NetworkConfiguration; w.Code != 200 || n == nil || fmt.Sprint(n.AwsvpcConfiguration.Subnets) != "[subnet-a subnet-b]" {
		t.Errorf("got %d, network %+v: %s", w.Code, n, w.Body)
	}
}

// TestTwinsHaveANetworkAsEveryServiceOnFargate makes them as the steering route does, and deploys a revision to one.
func TestTwinsHaveANetworkAsEveryServiceOnFargate(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if err := s.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 2, CPU: 1024, Memory: 2048}); err != nil {
		t.Fatal(err)
	}
	network := func(name string) string {
		n := service(t, c, name).NetworkConfiguration
		if n == nil {
			return "none"
		}
		return fmt.Sprintf("%v %v %s", n.AwsvpcConfiguration.Subnets, n.AwsvpcConfiguration.SecurityGroups, n.AwsvpcConfiguration.AssignPublicIp)
	}
	const want = "[subnet-a subnet-b subnet-c] [sg-sandbox] DISABLED"
	if spot, standard := network("api-spot"), network("api-standard"); spot != want || standard != want {
		t.Errorf("networks: %s and %s", spot, standard)
	}
	d := must[*ecs.DescribeTaskDefinitionOutput](t)(c.ecs.DescribeTaskDefinition(t.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: new("api")})).TaskDefinition
	if *d.Cpu != "1024" || *d.Memory != "2048" || fmt.Sprintf("%v %v %s", d.Compatibilities, d.RequiresCompatibilities, d.NetworkMode) != "[EC2 FARGATE] [FARGATE] awsvpc" {
		t.Errorf("definition: %s, %s, %v, %v, %s", *d.Cpu, *d.Memory, d.Compatibilities, d.RequiresCompatibilities, d.NetworkMode)
	}
	next := must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(t.Context(), fargate("512", "1024"))).TaskDefinition
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api-spot"), TaskDefinition: next.TaskDefinitionArn}))
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	if got := network("api-spot"); got != want {
		t.Errorf("network after a deployment: %s", got)
	}
}

func TestTwinsOfASizeThatFargateLacksAreRefused(t *testing.T) {
	s := manual(t)
	err := s.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 1, CPU: 1024})
	if err == nil || !strings.Contains(err.Error(), "cpu, memory: No Fargate configuration exists for given values: 1024 CPU, 512 memory") {
		t.Errorf("1024 units with the default memory: %v", err)
	}
}

func TestAnImageThatDoesNotExistCannotBePulled(t *testing.T) {
	s := manual(t)
	c := connect(s)
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("prod")}))
	must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("f"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("busybox:does-not-exist")}}}))
	out := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("f"), NetworkConfiguration: in("subnet-a")}))
	s.AdvanceTo(s.Now().Add(5 * time.Minute))
	got := must[*ecs.DescribeTasksOutput](t)(c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{*out.Tasks[0].TaskArn}})).Tasks[0]
	if got.StopCode != types.TaskStopCodeTaskFailedToStart || !strings.Contains(aws.ToString(got.StoppedReason), "CannotPullContainerError") {
		t.Errorf("%s %s", got.StopCode, aws.ToString(got.StoppedReason))
	}
}
