package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestAClusterHasTheProvidersThatItNames: and refuses others, until it is given them; a service without a strategy gets the cluster's.
func TestAClusterHasTheProvidersThatItNames(t *testing.T) {
	s := manual(t)
	c := connect(s)
	ctx := t.Context()
	spot := []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 1}}
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("plain"), CapacityProviders: []string{"FARGATE"}}))
	must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("web"), Cpu: aws.String("256"), Memory: aws.String("512"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc, ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("web:1")}}}))
	create := func(name string, strategy []types.CapacityProviderStrategyItem) (*ecs.CreateServiceOutput, error) {
		return c.ecs.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String("plain"), ServiceName: &name, TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1), CapacityProviderStrategy: strategy,
			NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}}}})
	}
	if _, err := create("a", spot); err == nil || !strings.Contains(err.Error(), "not associated with the cluster") {
		t.Errorf("a provider that the cluster lacks: %v", err)
	}
	if _, err := c.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("plain"), TaskDefinition: aws.String("web"), CapacityProviderStrategy: spot,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}}}}); err == nil || !strings.Contains(err.Error(), "not associated") {
		t.Errorf("RunTask: %v", err)
	}
	if _, err := c.ecs.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{Cluster: aws.String("plain"), CapacityProviders: []string{"FARGATE"}, DefaultCapacityProviderStrategy: spot}); err == nil {
		t.Error("a default over a provider that the cluster lacks")
	}
	must[*ecs.PutClusterCapacityProvidersOutput](t)(c.ecs.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{Cluster: aws.String("plain"),
		CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: spot}))
	shown := must[*ecs.DescribeClustersOutput](t)(c.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"plain"}})).Clusters[0]
	if !slices.Equal(shown.CapacityProviders, []string{"FARGATE", "FARGATE_SPOT"}) || len(shown.DefaultCapacityProviderStrategy) != 1 {
		t.Errorf("shown: %v, %v", shown.CapacityProviders, shown.DefaultCapacityProviderStrategy)
	}
	made, err := create("b", nil)
	if err != nil || len(made.Service.CapacityProviderStrategy) != 1 || *made.Service.CapacityProviderStrategy[0].CapacityProvider != "FARGATE_SPOT" {
		t.Errorf("by the cluster's default: %+v, %v", made, err)
	}
	if _, err := c.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("odd"), CapacityProviders: []string{"mine"}}); err == nil {
		t.Error("a provider that is none")
	}
}
