package ecsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestClustersAndTaskDefinitionsAreListedAndDescribed(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(10 * time.Second)
	if _, _, err := f.RunTask(region, ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: "web"}); err != nil {
		t.Fatal(err)
	}
	found, missing := f.DescribeClusters(region, []string{cluster, "gone"})
	if len(found) != 1 || found[0].ActiveServices != 1 || found[0].Pending != 3 || found[0].Running != 0 || len(missing) != 1 {
		t.Errorf("clusters %+v, missing %+v; want prod with one service and three tasks pending", found, missing)
	}
	if arns := f.ListClusters(region); len(arns) != 1 || arns[0] != found[0].ARN {
		t.Errorf("listed %v", arns)
	}
	f.to(200 * time.Second)
	if found, _ := f.DescribeClusters(region, []string{found[0].ARN}); found[0].Running != 3 {
		t.Errorf("%d running, want the service's two and the one of RunTask", found[0].Running)
	}
	again, err := f.CreateCluster(region, cluster, nil)
	f.must(err)
	if again.ARN != found[0].ARN {
		t.Errorf("a second CreateCluster made %s", again.ARN)
	}
	_, err = f.CreateCluster(region, "bad name", nil)
	isError(t, err, "InvalidParameterException", "cluster name")

	second, err := f.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "web", Arch: "ARM64"})
	f.must(err)
	if second.Revision != 2 || second.StopTimeout != 30*time.Second || second.OnSIGTERM != ecsim.UseWarning {
		t.Errorf("second revision %+v, want the defaults", second)
	}
	latest, err := f.DescribeTaskDefinition(region, "web")
	f.must(err)
	if latest.ARN != second.ARN {
		t.Errorf("the family means %s, want its latest revision", latest.ARN)
	}
	_, err = f.DeregisterTaskDefinition(region, second.ARN)
	f.must(err)
	if arns := f.ListTaskDefinitions(region, "web", "ACTIVE"); len(arns) != 1 || !strings.HasSuffix(arns[0], "web:1") {
		t.Errorf("listed %v, want the active one", arns)
	}
	_, err = f.UpdateService(api, ecsim.UpdateServiceInput{TaskDefinition: second.ARN})
	isError(t, err, "ClientException", "inactive")
	for _, in := range []ecsim.TaskDefinitionInput{
		{Family: ""}, {Family: "x", Arch: "MIPS"}, {Family: "x", StopTimeout: time.Second}, {Family: "x", StopTimeout: 121 * time.Second}, {Family: "x", CPU: -1},
	} {
		_, err := f.RegisterTaskDefinition(region, in)
		isError(t, err, "ClientException", "")
	}
}

func TestBrokenTaskDefinitionStrikesOnlyNewTasks(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(100 * time.Second)
	f.must(f.SetTaskDefinitionBroken(region, "web:1", ecsim.FailImagePull))
	f.desire(2)
	f.to(10 * time.Minute)
	if _, running, _ := f.Counts(api); running != 1 {
		t.Errorf("%d running, want the one from before", running)
	}
	isError(t, f.SetTaskDefinitionBroken(region, "web:7", ecsim.FailExit), "ClientException", "")
}

func TestBadStrategiesZonesAndLimitsAreRefused(t *testing.T) {
	f := build(t, exact())
	hundred, five, negative := 100, 5, -1
	spot, onDemand := ecsim.FargateSpot, ecsim.Fargate
	for what, in := range map[string]ecsim.CreateServiceInput{
		"not found":          {Strategy: []ecsim.StrategyItem{{Provider: "ASG", Weight: 1}}},
		"weight greater":     {Strategy: []ecsim.StrategyItem{{Provider: spot}}},
		"more than once":     {Strategy: []ecsim.StrategyItem{{Provider: spot, Weight: 1}, {Provider: spot, Weight: 1}}},
		"can have a base":    {Strategy: []ecsim.StrategyItem{{Provider: spot, Weight: 1, Base: 1}, {Provider: onDemand, Base: 1}}},
		"between 0 and 1000": {Strategy: []ecsim.StrategyItem{{Provider: spot, Weight: 1001}}},
		"between 0 and 100,": {Strategy: []ecsim.StrategyItem{{Provider: spot, Weight: 1, Base: -1}}},
		"each once":          {Zones: []string{"a", "a"}},
		"16 items":           {Zones: make([]string, 17)},
		"block deployments":  {Deployment: ecsim.DeploymentConfig{MaximumPercent: &hundred}},
		"out of range":       {Deployment: ecsim.DeploymentConfig{MaximumPercent: &five}},
		"Percent are out of": {Deployment: ecsim.DeploymentConfig{MinimumHealthyPercent: &negative}},
	} {
		in.Cluster, in.Name, in.TaskDefinition = cluster, "api", "web"
		_, err := f.CreateService(region, in)
		isError(t, err, "InvalidParameterException", what)
	}
	if arns, _ := f.ListServices(region, cluster); len(arns) != 0 {
		t.Errorf("refused calls made %v", arns)
	}
}

func TestZeroQuotaMeansNone(t *testing.T) {
	f := build(t, exact())
	f.SetQuota(region, ecsim.Fargate, 0)
	tasks, failures, err := f.RunTask(region, ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: "web"})
	f.must(err)
	if len(tasks) != 0 || len(failures) != 1 || !strings.Contains(failures[0].Reason, "vCPUs") {
		t.Errorf("%d tasks, failures %v; want one of the quota", len(tasks), failures)
	}
}

func TestProtectionCanBeRead(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(100 * time.Second)
	tasks := f.tasks(ecsim.Running)
	_, _, err := f.UpdateTaskProtection(region, cluster, []string{tasks[0].ID}, true, 0)
	f.must(err)
	got, missing, err := f.GetTaskProtection(region, cluster, []string{tasks[0].ARN, tasks[1].ID, "nope"})
	f.must(err)
	if len(got) != 2 || !got[0].Enabled || got[0].Expires.Sub(f.Now()) != 2*time.Hour || got[1].Enabled || len(missing) != 1 {
		t.Errorf("protection %+v, missing %+v; want two hours for the first", got, missing)
	}
	_, _, err = f.UpdateTaskProtection(region, cluster, []string{tasks[0].ID}, true, 49*time.Hour)
	isError(t, err, "InvalidParameterException", "2880")
	_, _, err = f.UpdateTaskProtection(region, cluster, nil, true, 0)
	isError(t, err, "InvalidParameterException", "between 1 and 10")
}
