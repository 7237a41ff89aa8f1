package discover

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/twin"
)

// hclName makes a Terraform identifier.
var hclName = regexp.MustCompile(`[^A-Za-z0-9_]`)

// hclColumn is the longest of the keys, as terraform fmt aligns them.
const hclColumn = len("deployment_minimum_healthy_percent")

// written are the members of the call that Terraform writes below. Every other one is named in a comment, so that nothing is lost in silence.
var written = []string{"availabilityZoneRebalancing", "capacityProviderStrategy", "cluster", "desiredCount", "enableECSManagedTags", "enableExecuteCommand",
	"healthCheckGracePeriodSeconds", "loadBalancers", "networkConfiguration", "platformVersion", "propagateTags", "serviceName", "tags", "taskDefinition"}

// Terraform returns the resource that is the on-demand twin of a service.
func (s *Service) Terraform(name string) (string, error) {
	in := twin.Of(s.Live, name)
	wire, err := twin.Wire(in)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	set := func(key, value string) { fmt.Fprintf(&b, "  %-*s = %s\n", hclColumn, key, value) }
	fmt.Fprintf(&b, "# The on-demand twin of %s. Where that is an aws_ecs_service of yours, the module terraform/modules/twin follows it instead.\n", s.Name)
	fmt.Fprintf(&b, "resource \"aws_ecs_service\" %q {\n", hclName.ReplaceAllString(name, "_"))
	set("name", fmt.Sprintf("%q", name))
	set("cluster", fmt.Sprintf("%q", aws.ToString(in.Cluster)))
	set("task_definition", fmt.Sprintf("%q", definitionName(aws.ToString(in.TaskDefinition))))
	set("desired_count", "0")
	if v := aws.ToString(in.PlatformVersion); v != "" {
		set("platform_version", fmt.Sprintf("%q", v))
	}
	if in.EnableExecuteCommand {
		set("enable_execute_command", "true")
	}
	if in.EnableECSManagedTags {
		set("enable_ecs_managed_tags", "true")
	}
	if g := in.HealthCheckGracePeriodSeconds; g != nil {
		set("health_check_grace_period_seconds", fmt.Sprint(*g))
	}
	if d := in.DeploymentConfiguration; d != nil && d.MinimumHealthyPercent != nil && d.MaximumPercent != nil {
		set("deployment_minimum_healthy_percent", fmt.Sprint(*d.MinimumHealthyPercent))
		set("deployment_maximum_percent", fmt.Sprint(*d.MaximumPercent))
	}
	set("availability_zone_rebalancing", `"DISABLED"`)
	if in.PropagateTags != "" && in.PropagateTags != types.PropagateTagsNone {
		set("propagate_tags", fmt.Sprintf("%q", in.PropagateTags))
	}
	writeBlocks(&b, in)
	left, err := unwritten(wire)
	if err != nil {
		return "", err
	}
	for _, l := range left {
		b.WriteString("\n  # To be added by hand, as the service has it: " + l + "\n")
	}
	b.WriteString("\n  lifecycle {\n    ignore_changes = [desired_count] # Backstop's, from the first shortage on\n  }\n}\n")
	return b.String(), nil
}

func writeBlocks(b *strings.Builder, in *ecs.CreateServiceInput) {
	if len(in.Tags) > 0 {
		b.WriteString("\n  tags = {\n")
		for _, t := range in.Tags {
			fmt.Fprintf(b, "    %q = %q\n", aws.ToString(t.Key), aws.ToString(t.Value))
		}
		b.WriteString("  }\n")
	}
	b.WriteString("\n  capacity_provider_strategy {\n    capacity_provider = \"FARGATE\"\n    weight            = 1\n  }\n")
	if d := in.DeploymentConfiguration; d != nil && d.DeploymentCircuitBreaker != nil {
		fmt.Fprintf(b, "\n  deployment_circuit_breaker {\n    enable   = %t\n    rollback = %t\n  }\n", d.DeploymentCircuitBreaker.Enable, d.DeploymentCircuitBreaker.Rollback)
	}
	if n := in.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		c := n.AwsvpcConfiguration
		fmt.Fprintf(b, "\n  network_configuration {\n    subnets          = %s\n    security_groups  = %s\n    assign_public_ip = %t\n  }\n", hclList(c.Subnets), hclList(c.SecurityGroups), c.AssignPublicIp == types.AssignPublicIpEnabled)
	}
	for _, l := range in.LoadBalancers {
		fmt.Fprintf(b, "\n  load_balancer {\n    target_group_arn = %q\n    container_name   = %q\n    container_port   = %d\n  }\n", aws.ToString(l.TargetGroupArn), aws.ToString(l.ContainerName), aws.ToInt32(l.ContainerPort))
	}
}

func hclList(all []string) string {
	quoted := make([]string, len(all))
	for i := range all {
		quoted[i] = fmt.Sprintf("%q", all[i])
	}
	return "[" + strings.Join(quoted, ", ") + "]"
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
			if !slices.Contains([]string{"maximumPercent", "minimumHealthyPercent", "strategy"}, part) && (part != "deploymentCircuitBreaker" || !plainBreaker(parts[part])) {
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
