package sandbox_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// TestRefusalsInTheirOrder: what is asked of something that does not exist, or lacks what it must have, is refused for that and not for what comes after.
func TestRefusalsInTheirOrder(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	register := func(change func(*ecs.RegisterTaskDefinitionInput)) func(context.Context) error {
		in := &ecs.RegisterTaskDefinitionInput{Family: new("f"), RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, Memory: new("400"), ContainerDefinitions: []types.ContainerDefinition{{Name: new("a"), Image: new("b")}}}
		change(in)
		return func(ctx context.Context) error { _, err := c.ecs.RegisterTaskDefinition(ctx, in); return err }
	}
	deregister := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.ecs.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: &name})
			return err
		}
	}
	tags := func(arn string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.ecs.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: &arn})
			return err
		}
	}
	setting := func(name types.ClusterSettingName, value string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.ecs.UpdateClusterSettings(ctx, &ecs.UpdateClusterSettingsInput{Cluster: new("prod"), Settings: []types.ClusterSetting{{Name: name, Value: &value}}})
			return err
		}
	}
	targets := func(in aas.ServiceNamespace, of aas.ScalableDimension) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: in, ScalableDimension: of})
			return err
		}
	}
	for _, row := range []struct {
		what, code, says string
		call             func(context.Context) error
	}{
		{"a container without a name", "ClientException", "Container.name should not be null or empty.", register(func(in *ecs.RegisterTaskDefinitionInput) { in.ContainerDefinitions[0].Name = nil })},
		{"a container without an image", "ClientException", "Container.image should not be null or empty.", register(func(in *ecs.RegisterTaskDefinitionInput) { in.ContainerDefinitions[0].Image = new("") })},
		{"no network mode", "ClientException", "awsvpc", register(func(*ecs.RegisterTaskDefinitionInput) {})},
		{"the host's processes on Fargate", "ClientException", "do not support pidMode 'host'", register(func(in *ecs.RegisterTaskDefinitionInput) {
			in.NetworkMode, in.Cpu, in.Memory, in.PidMode = types.NetworkModeAwsvpc, new("256"), new("512"), types.PidModeHost
		})},
		{"no memory anywhere", "ClientException", "At least one of 'memory' or 'memoryReservation' must be specified.", register(func(in *ecs.RegisterTaskDefinitionInput) { in.RequiresCompatibilities, in.Memory = nil, nil })},
		{"a family", "ClientException", "Revision is missing.", deregister("api")},
		{"a word for a revision", "ClientException", "Invalid revision number. Number: x", deregister("api:x")},
		{"a revision that is not there", "ClientException", "Unable to describe task definition.", deregister("api:9")},
		{"tags of a cluster that is not there", "ClusterNotFoundException", "Cluster not found.", tags("arn:aws:ecs:us-east-1:123456789012:cluster/nope")},
		{"tags of a revision that is not there", "ClientException", "Unable to describe task definition.", tags("arn:aws:ecs:us-east-1:123456789012:task-definition/api:9")},
		{"tags of a service that is not there", "InvalidParameterException", "not found", tags("arn:aws:ecs:us-east-1:123456789012:service/prod/nope")},
		{"no tasks of no cluster", "ClusterNotFoundException", "Cluster not found.", func(ctx context.Context) error {
			_, err := c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: new("nope"), Tasks: []string{}})
			return err
		}},
		{"no tasks", "InvalidParameterException", "Tasks cannot be empty.", func(ctx context.Context) error {
			_, err := c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: []string{}})
			return err
		}},
		{"another launch type in no cluster", "ClusterNotFoundException", "Cluster not found.", func(ctx context.Context) error {
			_, err := c.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: new("nope"), TaskDefinition: new("api"), LaunchType: types.LaunchTypeEc2})
			return err
		}},
		{"revisions of a status that there is none of", "InvalidParameterException", "status must be", func(ctx context.Context) error {
			_, err := c.ecs.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{Status: "GONE"})
			return err
		}},
		{"another setting of a cluster", "InvalidParameterException", "no setting", setting("colour", "enabled")},
		{"another value of a setting", "InvalidParameterException", "must be one of", setting(types.ClusterSettingNameContainerInsights, "v")},
		{"another dimension", "ValidationException", "1 validation error detected: Value 'foo' at 'scalableDimension'", targets("ecs", "foo")},
		{"another namespace and dimension", "ValidationException", "2 validation errors detected", targets("foo", "bar")},
		{"no listener", "ValidationError", "You must specify either listener ARNs or a load balancer ARN", func(ctx context.Context) error {
			_, err := c.elb.DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{})
			return err
		}},
		{"another type of addresses", "ValidationError", "[ipv4, dualstack, dualstack-without-public-ipv4]", func(ctx context.Context) error {
			_, err := c.elb.CreateLoadBalancer(ctx, &elasticloadbalancingv2.CreateLoadBalancerInput{Name: new("lb"), IpAddressType: "invalid"})
			return err
		}},
		{"a topic of another region", "NotFound", "Topic does not exist", func(ctx context.Context) error {
			topic := newTopic(t, c, "ops", nil)
			_, err := c.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic}, func(o *sns.Options) { o.Region = "eu-west-1" })
			return err
		}},
		{"a message for FIFO topics", "InvalidParameter", "not valid for this topic type", func(ctx context.Context) error {
			topic := newTopic(t, c, "ops", nil)
			_, err := c.sns.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: new("x"), MessageDeduplicationId: new("1")})
			return err
		}},
		{"a batch of eleven", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "You have sent 11.", func(ctx context.Context) error {
			var entries []sqstypes.DeleteMessageBatchRequestEntry
			for id := range 11 {
				entries = append(entries, sqstypes.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(id)), ReceiptHandle: new("x")})
			}
			_, err := c.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: new(s.QueueURL()), Entries: entries})
			return err
		}},
		{"a batch of none", "AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request.", func(ctx context.Context) error {
			_, err := c.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: new(s.QueueURL()), Entries: []sqstypes.DeleteMessageBatchRequestEntry{}})
			return err
		}},
		{"rules by a limit that is too high", "ValidationException", "'limit'", func(ctx context.Context) error {
			_, err := c.events.ListRules(ctx, &eventbridge.ListRulesInput{Limit: new(int32(101))})
			return err
		}},
		{"a target that is no ARN", "ValidationException", "Provided Arn is not in correct format.", func(ctx context.Context) error {
			_, err := c.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: new("backstop-events"), Targets: []ebtypes.Target{{Id: new("x"), Arn: new("bucket")}}})
			return err
		}},
	} {
		t.Run(row.what, func(t *testing.T) {
			err := row.call(t.Context())
			wantCode(t, err, row.code)
			if !strings.Contains(err.Error(), row.says) {
				t.Errorf("%v, want %q in it", err, row.says)
			}
		})
	}
}

// TestAClusterKeepsWhatItIsGiven, and shows it to whom asks for it.
func TestAClusterKeepsWhatItIsGiven(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	made := must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: new("prod"), Tags: []types.Tag{{Key: new("a"), Value: new("b")}},
		CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE_SPOT"), Weight: 1, Base: 2}},
		ServiceConnectDefaults: &types.ClusterServiceConnectDefaultsRequest{Namespace: new("shop")}})).Cluster
	if *made.Settings[0].Value != "disabled" || *made.ServiceConnectDefaults.Namespace != "shop" || len(made.Tags) != 1 || made.DefaultCapacityProviderStrategy[0].Base != 2 {
		t.Errorf("made %+v", made)
	}
	must[*ecs.UpdateClusterOutput](t)(c.ecs.UpdateCluster(ctx, &ecs.UpdateClusterInput{Cluster: new("prod"), Settings: []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: new("enhanced")}},
		Configuration: &types.ClusterConfiguration{ExecuteCommandConfiguration: &types.ExecuteCommandConfiguration{Logging: types.ExecuteCommandLoggingNone}}}))
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: new("prod")}))
	read := func(include ...types.ClusterField) types.Cluster {
		return must[*ecs.DescribeClustersOutput](t)(c.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"prod"}, Include: include})).Clusters[0]
	}
	if bare := read(); len(bare.Settings) != 0 || len(bare.Tags) != 0 || bare.Configuration != nil || bare.DefaultCapacityProviderStrategy[0].Base != 2 {
		t.Errorf("without include %+v", bare)
	}
	whole := read(types.ClusterFieldSettings, types.ClusterFieldTags, types.ClusterFieldConfigurations)
	if *whole.Settings[0].Value != "enhanced" || len(whole.Tags) != 1 || whole.Configuration.ExecuteCommandConfiguration.Logging != types.ExecuteCommandLoggingNone {
		t.Errorf("with include %+v", whole)
	}
}

// TestADefinitionIsShownWithWhatECSAdds to containers and volumes, and is listed by its status.
func TestADefinitionIsShownWithWhatECSAdds(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	made := must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: new("f"), ContainerDefinitions: []types.ContainerDefinition{{Name: new("a"), Image: new("b"), Memory: new(int32(64))}},
		Volumes: []types.Volume{{Name: new("v"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: new("fs-1"), TransitEncryption: types.EFSTransitEncryptionEnabled}}, {Name: new("plain")}}})).TaskDefinition
	d := must[*ecs.DescribeTaskDefinitionOutput](t)(c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: new("f")})).TaskDefinition
	if one := d.ContainerDefinitions[0]; one.MountPoints == nil || one.PortMappings == nil || one.VolumesFrom == nil || one.Environment == nil || !*one.Essential {
		t.Errorf("container %+v", one)
	}
	if efs := d.Volumes[0].EfsVolumeConfiguration; *efs.RootDirectory != "/" || efs.TransitEncryption != types.EFSTransitEncryptionEnabled || d.Volumes[1].EfsVolumeConfiguration != nil {
		t.Errorf("volumes %+v", d.Volumes)
	}
	must[*ecs.DeregisterTaskDefinitionOutput](t)(c.ecs.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: made.TaskDefinitionArn}))
	for status, want := range map[types.TaskDefinitionStatus]int{"": 0, types.TaskDefinitionStatusActive: 0, types.TaskDefinitionStatusInactive: 1, types.TaskDefinitionStatusDeleteInProgress: 0} {
		if got := must[*ecs.ListTaskDefinitionsOutput](t)(c.ecs.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{Status: status})).TaskDefinitionArns; len(got) != want {
			t.Errorf("status %q: %v", status, got)
		}
	}
}

func TestRulesAndTargetsArePaged(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	for _, name := range []string{"r1", "r2", "r3"} {
		putRule(t, c, name, `{"source":["shop"]}`)
	}
	first := must[*eventbridge.ListRulesOutput](t)(c.events.ListRules(ctx, &eventbridge.ListRulesInput{NamePrefix: new("r"), Limit: new(int32(2))}))
	rest := must[*eventbridge.ListRulesOutput](t)(c.events.ListRules(ctx, &eventbridge.ListRulesInput{NamePrefix: new("r"), NextToken: first.NextToken}))
	if len(first.Rules) != 2 || first.NextToken == nil || len(rest.Rules) != 1 || *rest.Rules[0].Name != "r3" || rest.NextToken != nil {
		t.Errorf("%d and %d rules", len(first.Rules), len(rest.Rules))
	}
	var many []ebtypes.Target
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		many = append(many, ebtypes.Target{Id: &id, Arn: new("arn:aws:sqs:us-east-1:123456789012:q")})
	}
	_, err := c.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: new("r1"), Targets: many})
	wantError[*ebtypes.LimitExceededException](t, err, "LimitExceededException")
	if left := must[*eventbridge.ListTargetsByRuleOutput](t)(c.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: new("r1")})).Targets; len(left) != 0 {
		t.Errorf("targets of a call that was refused: %v", left)
	}
}

func TestALoadBalancerShowsWhereItIs(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	made := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(c.elb.CreateLoadBalancer(ctx, &elasticloadbalancingv2.CreateLoadBalancerInput{Name: new("lb"), Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
		SubnetMappings: []elbtypes.SubnetMapping{{SubnetId: new("subnet-b")}, {SubnetId: new("subnet-1")}}, SecurityGroups: []string{"sg-1"}, IpAddressType: elbtypes.IpAddressTypeDualstack})).LoadBalancers[0]
	lb := must[*elasticloadbalancingv2.DescribeLoadBalancersOutput](t)(c.elb.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"lb"}})).LoadBalancers[0]
	if made.State.Code != elbtypes.LoadBalancerStateEnumProvisioning || lb.State.Code != elbtypes.LoadBalancerStateEnumActive || lb.Scheme != "internal" || lb.IpAddressType != "dualstack" ||
		*lb.VpcId == "" || *lb.CanonicalHostedZoneId == "" || lb.SecurityGroups[0] != "sg-1" || len(lb.AvailabilityZones) != 2 || *lb.AvailabilityZones[0].ZoneName != "us-east-1b" {
		t.Errorf("made %+v, shown %+v", made, lb)
	}
}
