package service

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/awstest"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestAForeignECSAndAutoScalingTakeWhatIsSent sets counts, and parks and restores a scalable target, on a server that was
// not written here. It has no tasks: only what is sent and read back is compared.
func TestAForeignECSAndAutoScalingTakeWhatIsSent(t *testing.T) {
	cfg := aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		BaseEndpoint: aws.String(awstest.Moto(t)), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	ctx, client := t.Context(), ecs.NewFromConfig(cfg)
	if _, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(cluster)}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("api"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("app:1"), Memory: aws.Int32(128)}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("api-spot"), TaskDefinition: aws.String("api"),
		DesiredCount: aws.Int32(4)}); err != nil {
		t.Fatal(err)
	}
	if _, err := applicationautoscaling.NewFromConfig(cfg).RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs",
		ScalableDimension: "ecs:service:DesiredCount", ResourceId: resource(ref("api-spot")), MinCapacity: aws.Int32(2), MaxCapacity: aws.Int32(20)}); err != nil {
		t.Fatal(err)
	}
	s := New(cfg, Options{Scale: 1000})
	before, err := s.Scaling(ctx, ref("api-spot"))
	if err != nil || !before.Present || before.Min != 2 || before.Max != 20 || before.SuspendedIn {
		t.Fatalf("the scalable target is read as %+v, %v", before, err)
	}
	for _, step := range []struct {
		do   failover.Action
		want failover.Scaling
	}{
		{failover.SetDesiredCount{Count: 7}, before},
		{failover.ParkScaling{Max: 1}, failover.Scaling{Known: true, Present: true, Max: 1, SuspendedIn: true, SuspendedOut: true}},
		{failover.SetDesiredCount{Count: 1}, failover.Scaling{Known: true, Present: true, Max: 1, SuspendedIn: true, SuspendedOut: true}},
		{failover.RestoreScaling{Scaling: before}, before},
	} {
		if err := s.Apply(ctx, ref("api-spot"), step.do); err != nil {
			t.Fatalf("%+v: %v", step.do, err)
		}
		if got, err := s.Scaling(ctx, ref("api-spot")); err != nil || got != step.want {
			t.Errorf("after %+v the target is %+v, %v; want %+v", step.do, got, err, step.want)
		}
	}
	_, seen := s.Describe(ctx, []control.ServiceRef{ref("api-spot"), ref("gone")}, control.Worth{})
	if len(seen) != 2 || seen[0].Err != failover.ErrNone || seen[0].Desired != 1 || seen[1].Err != failover.ErrNotFound {
		t.Errorf("described as %+v", seen)
	}
}
