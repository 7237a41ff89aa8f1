package mirror

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/backstop-ecs/backstop/internal/discover"
)

// builder makes services, each of what they share once.
type builder struct {
	shape *Shape
	ecs   *ecs.Client
	elb   *elb.Client
	scale *scaling.Client

	clusters    map[string]bool
	definitions map[string]string // theirs here, by the live ARN
	groups      map[string]string
	made        Made
}

func newBuilder(sh *Shape, cfg aws.Config) *builder {
	return &builder{shape: sh, ecs: ecs.NewFromConfig(cfg), elb: elb.NewFromConfig(cfg), scale: scaling.NewFromConfig(cfg),
		clusters: map[string]bool{}, definitions: map[string]string{}, groups: map[string]string{}}
}

func (b *builder) differs(s *discover.Service, what string) {
	b.made.Differs = append(b.made.Differs, s.Cluster+"/"+s.Name+" "+what)
}

// service makes a service and what it needs.
func (b *builder) service(ctx context.Context, s *discover.Service) error {
	if err := b.cluster(ctx, s); err != nil {
		return err
	}
	definition, err := b.definition(ctx, s)
	if err != nil {
		return err
	}
	live := s.Live.Service
	in := &ecs.CreateServiceInput{Cluster: &s.Cluster, ServiceName: &s.Name, TaskDefinition: &definition, DesiredCount: aws.Int32(int32(s.Desired)), //nolint:gosec // ECS's own number
		CapacityProviderStrategy: live.CapacityProviderStrategy, LaunchType: live.LaunchType, DeploymentConfiguration: b.deployment(s),
		NetworkConfiguration: live.NetworkConfiguration, AvailabilityZoneRebalancing: live.AvailabilityZoneRebalancing}
	if len(in.CapacityProviderStrategy) > 0 {
		in.LaunchType = ""
	}
	for _, lb := range live.LoadBalancers {
		arn, err := b.group(ctx, s, aws.ToString(lb.TargetGroupArn))
		if err != nil {
			return err
		}
		if arn != "" {
			in.LoadBalancers = append(in.LoadBalancers, types.LoadBalancer{TargetGroupArn: &arn, ContainerName: lb.ContainerName, ContainerPort: lb.ContainerPort})
			in.HealthCheckGracePeriodSeconds = live.HealthCheckGracePeriodSeconds
		}
	}
	if _, err := b.ecs.CreateService(ctx, in); err != nil {
		return fmt.Errorf("make service: %w", err)
	}
	if !s.Scaled {
		return nil
	}
	_, err = b.scale.RegisterScalableTarget(ctx, &scaling.RegisterScalableTargetInput{ServiceNamespace: scalingtypes.ServiceNamespaceEcs,
		ScalableDimension: scalingtypes.ScalableDimensionECSServiceDesiredCount, ResourceId: aws.String("service/" + s.Cluster + "/" + s.Name),
		MinCapacity: aws.Int32(int32(s.ScalingMin)), MaxCapacity: aws.Int32(int32(s.ScalingMax)), SuspendedState: &s.Suspended}) //nolint:gosec // ECS's own numbers
	if err != nil {
		b.differs(s, "has no scalable target: "+oneLine(err))
	} else if len(s.Policies) > 0 {
		b.differs(s, "does not scale: its policies are not mirrored")
	}
	return nil
}

// cluster makes the cluster with the capacity providers of Fargate that it has.
func (b *builder) cluster(ctx context.Context, s *discover.Service) error {
	if b.clusters[s.Cluster] {
		return nil
	}
	in := &ecs.CreateClusterInput{ClusterName: &s.Cluster}
	for _, name := range s.Providers {
		if name == "FARGATE" || name == "FARGATE_SPOT" {
			in.CapacityProviders = append(in.CapacityProviders, name)
		}
	}
	if _, err := b.ecs.CreateCluster(ctx, in); err != nil {
		return fmt.Errorf("make cluster: %w", err)
	}
	b.clusters[s.Cluster] = true
	return nil
}

// definition registers the shape of a service's task definition: sizes, and of its containers what decides how they start, serve and stop.
func (b *builder) definition(ctx context.Context, s *discover.Service) (string, error) {
	live := aws.ToString(s.Live.Service.TaskDefinition)
	if arn := b.definitions[live]; arn != "" {
		return arn, nil
	}
	d := s.Definition
	if d == nil {
		return "", fmt.Errorf("its task definition could not be read")
	}
	in := &ecs.RegisterTaskDefinitionInput{Family: d.Family, Cpu: d.Cpu, Memory: d.Memory, NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}}
	if d.RuntimePlatform != nil {
		in.RuntimePlatform = &types.RuntimePlatform{CpuArchitecture: d.RuntimePlatform.CpuArchitecture}
	}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		in.ContainerDefinitions = append(in.ContainerDefinitions, types.ContainerDefinition{Name: c.Name, Image: c.Image, Essential: c.Essential,
			StopTimeout: c.StopTimeout, PortMappings: c.PortMappings, HealthCheck: c.HealthCheck})
	}
	out, err := b.ecs.RegisterTaskDefinition(ctx, in)
	if err != nil {
		return "", fmt.Errorf("register task definition: %w", err)
	}
	b.definitions[live] = *out.TaskDefinition.TaskDefinitionArn
	return b.definitions[live], nil
}

// deployment is a service's deployment configuration, as a rolling one: what shifts traffic needs listeners that are not mirrored.
func (b *builder) deployment(s *discover.Service) *types.DeploymentConfiguration {
	live := s.Live.Service.DeploymentConfiguration
	if live == nil {
		return nil
	}
	if live.Strategy != "" && live.Strategy != types.DeploymentStrategyRolling {
		b.differs(s, "deploys by ROLLING, not by "+string(live.Strategy))
	}
	return &types.DeploymentConfiguration{MaximumPercent: live.MaximumPercent, MinimumHealthyPercent: live.MinimumHealthyPercent, DeploymentCircuitBreaker: live.DeploymentCircuitBreaker}
}

// group makes a target group with its health check, behind a load balancer of its own. Empty: it could not be read.
func (b *builder) group(ctx context.Context, s *discover.Service, live string) (string, error) {
	if live == "" {
		return "", nil
	}
	if arn := b.groups[live]; arn != "" {
		return arn, nil
	}
	g, known := b.shape.Groups[live]
	if !known {
		b.differs(s, "has no target group: it could not be read")
		return "", nil
	}
	made, err := b.elb.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: g.TargetGroupName, Protocol: g.Protocol, Port: g.Port, VpcId: g.VpcId, TargetType: elbtypes.TargetTypeEnumIp,
		HealthCheckProtocol: g.HealthCheckProtocol, HealthCheckPath: g.HealthCheckPath, HealthCheckIntervalSeconds: g.HealthCheckIntervalSeconds,
		HealthCheckTimeoutSeconds: g.HealthCheckTimeoutSeconds, HealthyThresholdCount: g.HealthyThresholdCount, UnhealthyThresholdCount: g.UnhealthyThresholdCount})
	if err != nil {
		return "", fmt.Errorf("make target group %s: %w", aws.ToString(g.TargetGroupName), err)
	}
	arn := *made.TargetGroups[0].TargetGroupArn
	kind, protocol := elbtypes.LoadBalancerTypeEnumNetwork, elbtypes.ProtocolEnumTcp
	if g.Protocol == elbtypes.ProtocolEnumHttp || g.Protocol == elbtypes.ProtocolEnumHttps {
		kind, protocol = elbtypes.LoadBalancerTypeEnumApplication, elbtypes.ProtocolEnumHttp
	}
	lb, err := b.elb.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: g.TargetGroupName, Type: kind})
	if err != nil {
		return "", fmt.Errorf("make load balancer: %w", err)
	}
	_, err = b.elb.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Protocol: protocol, Port: aws.Int32(80),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &arn}}})
	if err != nil {
		return "", fmt.Errorf("make listener: %w", err)
	}
	b.groups[live] = arn
	return arn, nil
}
