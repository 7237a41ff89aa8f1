package discover

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/twin"
)

// written are the members of the call that Terraform writes below, and of the deployment configuration. Every other one is named in a comment, so that
// nothing is lost in silence.
var (
	written = []string{"availabilityZoneRebalancing", "capacityProviderStrategy", "cluster", "desiredCount", "enableECSManagedTags", "enableExecuteCommand",
		"healthCheckGracePeriodSeconds", "loadBalancers", "networkConfiguration", "platformVersion", "propagateTags", "serviceName", "tags", "taskDefinition", "volumeConfigurations"}
	writtenOfDeployments = []string{"alarms", "maximumPercent", "minimumHealthyPercent", "strategy"}
)

// Terraform returns the resource that is the on-demand twin of a service, as terraform fmt writes it.
func (s *Service) Terraform(name string) (string, error) {
	in := twin.Of(s.Live, name)
	wire, err := twin.Wire(in)
	if err != nil {
		return "", err
	}
	b := attributes(in)
	writeBlocks(b, in)
	left, err := unwritten(wire)
	if err != nil {
		return "", err
	}
	for _, l := range left {
		b.inside = append(b.inside, "# To be added by hand, as the service has it: "+l+"\n")
	}
	b.add("lifecycle", hclBlock{lines: [][2]string{{"ignore_changes", "[desired_count] # Backstop's, from the first shortage on"}}})
	return "# The on-demand twin of " + s.Name + ". Where that is an aws_ecs_service of yours, the module terraform/modules/twin follows it instead.\n" +
		b.text(fmt.Sprintf("resource \"aws_ecs_service\" %q", TerraformName(name))), nil
}

func attributes(in *ecs.CreateServiceInput) *hclBlock {
	b := &hclBlock{}
	b.set("name", hclText(aws.ToString(in.ServiceName)))
	b.set("cluster", hclText(aws.ToString(in.Cluster)))
	b.set("task_definition", hclText(definitionName(aws.ToString(in.TaskDefinition))))
	b.set("desired_count", "0")
	if v := aws.ToString(in.PlatformVersion); v != "" {
		b.set("platform_version", hclText(v))
	}
	if in.EnableExecuteCommand {
		b.set("enable_execute_command", "true")
	}
	if in.EnableECSManagedTags {
		b.set("enable_ecs_managed_tags", "true")
	}
	if g := in.HealthCheckGracePeriodSeconds; g != nil {
		b.set("health_check_grace_period_seconds", fmt.Sprint(*g))
	}
	if d := in.DeploymentConfiguration; d != nil && d.MinimumHealthyPercent != nil && d.MaximumPercent != nil {
		b.set("deployment_minimum_healthy_percent", fmt.Sprint(*d.MinimumHealthyPercent))
		b.set("deployment_maximum_percent", fmt.Sprint(*d.MaximumPercent))
	}
	b.set("availability_zone_rebalancing", `"DISABLED"`)
	if in.PropagateTags != "" && in.PropagateTags != types.PropagateTagsNone {
		b.set("propagate_tags", hclText(string(in.PropagateTags)))
	}
	return b
}

func writeBlocks(b *hclBlock, in *ecs.CreateServiceInput) {
	if len(in.Tags) > 0 {
		b.add("tags =", tagBlock(in.Tags))
	}
	b.add("capacity_provider_strategy", hclBlock{lines: [][2]string{{"capacity_provider", `"FARGATE"`}, {"weight", "1"}}})
	if d := in.DeploymentConfiguration; d != nil && d.DeploymentCircuitBreaker != nil {
		b.add("deployment_circuit_breaker", hclBlock{lines: [][2]string{{"enable", fmt.Sprint(d.DeploymentCircuitBreaker.Enable)}, {"rollback", fmt.Sprint(d.DeploymentCircuitBreaker.Rollback)}}})
	}
	if d := in.DeploymentConfiguration; d != nil && d.Alarms != nil {
		b.add("alarms", hclBlock{lines: [][2]string{{"enable", fmt.Sprint(d.Alarms.Enable)}, {"rollback", fmt.Sprint(d.Alarms.Rollback)}, {"alarm_names", hclList(d.Alarms.AlarmNames)}}})
	}
	if n := in.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		c := n.AwsvpcConfiguration
		b.add("network_configuration", hclBlock{lines: [][2]string{{"subnets", hclList(c.Subnets)}, {"security_groups", hclList(c.SecurityGroups)}, {"assign_public_ip", fmt.Sprint(c.AssignPublicIp == types.AssignPublicIpEnabled)}}})
	}
	for _, l := range in.LoadBalancers {
		b.add("load_balancer", hclBlock{lines: [][2]string{{"target_group_arn", hclText(aws.ToString(l.TargetGroupArn))}, {"container_name", hclText(aws.ToString(l.ContainerName))},
			{"container_port", fmt.Sprint(aws.ToInt32(l.ContainerPort))}}})
	}
	for i := range in.VolumeConfigurations {
		b.add("volume_configuration", volume(&in.VolumeConfigurations[i]))
	}
}

// volume is an EBS volume that each task gets; Terraform's provider has a form for all of it.
func volume(v *types.ServiceVolumeConfiguration) hclBlock {
	out := hclBlock{}
	out.set("name", hclText(aws.ToString(v.Name)))
	m := v.ManagedEBSVolume
	if m == nil {
		return out
	}
	ebs := hclBlock{}
	text := func(key string, value *string) {
		if value != nil {
			ebs.set(key, hclText(*value))
		}
	}
	number := func(key string, value *int32) {
		if value != nil {
			ebs.set(key, fmt.Sprint(*value))
		}
	}
	text("role_arn", m.RoleArn)
	if m.Encrypted != nil {
		ebs.set("encrypted", fmt.Sprint(*m.Encrypted))
	}
	if m.FilesystemType != "" {
		ebs.set("file_system_type", hclText(string(m.FilesystemType)))
	}
	number("iops", m.Iops)
	text("kms_key_id", m.KmsKeyId)
	number("size_in_gb", m.SizeInGiB)
	text("snapshot_id", m.SnapshotId)
	number("throughput", m.Throughput)
	number("volume_initialization_rate", m.VolumeInitializationRate)
	text("volume_type", m.VolumeType)
	for _, t := range m.TagSpecifications {
		spec := hclBlock{}
		spec.set("resource_type", hclText(string(t.ResourceType)))
		if t.PropagateTags != "" {
			spec.set("propagate_tags", hclText(string(t.PropagateTags)))
		}
		if len(t.Tags) > 0 {
			spec.add("tags =", tagBlock(t.Tags))
		}
		ebs.add("tag_specifications", spec)
	}
	out.add("managed_ebs_volume", ebs)
	return out
}

func tagBlock(all []types.Tag) hclBlock {
	tags := hclBlock{}
	for _, t := range all {
		tags.set(hclText(aws.ToString(t.Key)), hclText(aws.ToString(t.Value)))
	}
	return tags
}

// unwritten are the members of the call that are not written as Terraform, with AWS's names.
func unwritten(wire map[string]json.RawMessage) ([]string, error) {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(wire)) {
		if slices.Contains(written, key) {
			continue
		}
		if key != "deploymentConfiguration" {
			out = append(out, key+" = "+string(wire[key]))
			continue
		}
		parts := map[string]json.RawMessage{}
		if err := json.Unmarshal(wire[key], &parts); err != nil {
			return nil, fmt.Errorf("write %s: %w", key, err)
		}
		for _, part := range slices.Sorted(maps.Keys(parts)) {
			if !slices.Contains(writtenOfDeployments, part) && (part != "deploymentCircuitBreaker" || !plainBreaker(parts[part])) {
				out = append(out, key+"."+part+" = "+string(parts[part]))
			}
		}
	}
	return out, nil
}

// plainBreaker reports whether a circuit breaker has nothing but what is written of it.
func plainBreaker(raw json.RawMessage) bool {
	parts := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &parts) != nil {
		return false
	}
	delete(parts, "enable")
	delete(parts, "rollback")
	return len(parts) == 0
}
