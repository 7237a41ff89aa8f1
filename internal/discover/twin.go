package discover

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// TwinName proposes a name for a service's on-demand twin.
func TwinName(spot string) string { return stem(spot, spotSuffixes) + "-standard" }

// Refusal says why a service can have no twin, or nothing.
func (s *Service) Refusal() string {
	switch {
	case s.Capacity == failover.OnDemand && stem(s.Name, onDemandSuffixes) != s.Name:
		return "it runs on demand already, and by its name it is a twin itself"
	case s.live == nil:
		return "nothing is known of it"
	case s.live.DeploymentController != nil && s.live.DeploymentController.Type == types.DeploymentControllerTypeExternal:
		return "its deployments are made by an external controller"
	}
	for i := range s.live.Deployments {
		if c := s.live.Deployments[i].ServiceConnectConfiguration; c != nil && c.Enabled && len(c.Services) > 0 {
			return "it offers a name by Service Connect, which twins cannot share; put a load balancer before it"
		}
	}
	return ""
}

// Notes are what a person should know before making the twin.
func (s *Service) Notes() []string {
	var out []string
	switch s.Capacity {
	case "":
		out = append(out, s.Name+" mixes FARGATE and FARGATE_SPOT: make it FARGATE_SPOT alone, weights are not a fallback (docs/migration.md has the order of steps)")
	case failover.OnDemand:
		out = append(out, s.Name+" runs on demand: once its twin runs all of its tasks, make it FARGATE_SPOT (docs/migration.md has the order of steps)")
	}
	if len(s.live.ServiceRegistries) > 0 {
		out = append(out, "Cloud Map: whether two services may share a registry is not documented; the twin is printed without")
	}
	if s.Scaled {
		out = append(out, "auto scaling stays on "+s.Name+" alone; the twin needs no scalable target")
	}
	return out
}

// shell quotes an argument where it must be.
func shell(s string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Command returns the AWS CLI command that makes the on-demand twin of a service, with no tasks.
func (s *Service) Command(region, name string) string {
	live := s.live
	lines := []string{
		"aws ecs create-service --region " + region + " --cluster " + shell(s.Cluster) + " --service-name " + shell(name),
		"--task-definition " + shell(definitionName(aws.ToString(live.TaskDefinition))) + " --desired-count 0",
		"--capacity-provider-strategy capacityProvider=FARGATE,weight=1",
	}
	if v := aws.ToString(live.PlatformVersion); v != "" && v != "LATEST" {
		lines = append(lines, "--platform-version "+v)
	}
	if n := live.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		c := n.AwsvpcConfiguration
		text := "subnets=[" + strings.Join(c.Subnets, ",") + "]"
		if len(c.SecurityGroups) > 0 {
			text += ",securityGroups=[" + strings.Join(c.SecurityGroups, ",") + "]"
		}
		if c.AssignPublicIp != "" {
			text += ",assignPublicIp=" + string(c.AssignPublicIp)
		}
		lines = append(lines, "--network-configuration "+shell("awsvpcConfiguration={"+text+"}"))
	}
	if len(live.LoadBalancers) > 0 {
		var all []string
		for _, b := range live.LoadBalancers {
			all = append(all, shell(fmt.Sprintf("targetGroupArn=%s,containerName=%s,containerPort=%d", aws.ToString(b.TargetGroupArn), aws.ToString(b.ContainerName), aws.ToInt32(b.ContainerPort))))
		}
		lines = append(lines, "--load-balancers "+strings.Join(all, " "))
	}
	if g := live.HealthCheckGracePeriodSeconds; g != nil {
		lines = append(lines, fmt.Sprintf("--health-check-grace-period-seconds %d", *g))
	}
	if d := live.DeploymentConfiguration; d != nil && (d.MinimumHealthyPercent != nil || d.MaximumPercent != nil) {
		lines = append(lines, shellConfiguration(d))
	}
	if live.EnableExecuteCommand {
		lines = append(lines, "--enable-execute-command")
	}
	lines = append(lines, "--availability-zone-rebalancing DISABLED", "--propagate-tags SERVICE")
	return strings.Join(lines, " \\\n  ")
}

func shellConfiguration(d *types.DeploymentConfiguration) string {
	var part []string
	if d.MaximumPercent != nil {
		part = append(part, fmt.Sprintf("maximumPercent=%d", *d.MaximumPercent))
	}
	if d.MinimumHealthyPercent != nil {
		part = append(part, fmt.Sprintf("minimumHealthyPercent=%d", *d.MinimumHealthyPercent))
	}
	return "--deployment-configuration " + strings.Join(part, ",")
}

// hclName makes a Terraform identifier.
var hclName = regexp.MustCompile(`[^A-Za-z0-9_]`)

// Terraform returns the resource that is the on-demand twin of a service.
func (s *Service) Terraform(name string) string {
	live := s.live
	var b strings.Builder
	list := func(all []string) string {
		quoted := make([]string, len(all))
		for i := range all {
			quoted[i] = fmt.Sprintf("%q", all[i])
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	// The longest of the keys, as terraform fmt aligns them.
	const column = len("deployment_minimum_healthy_percent")
	set := func(key, value string) { fmt.Fprintf(&b, "  %-*s = %s\n", column, key, value) }
	fmt.Fprintf(&b, "# The on-demand twin of %s. Where that is an aws_ecs_service of yours, the module terraform/modules/twin follows it instead.\n", s.Name)
	fmt.Fprintf(&b, "resource \"aws_ecs_service\" %q {\n", hclName.ReplaceAllString(name, "_"))
	set("name", fmt.Sprintf("%q", name))
	set("cluster", fmt.Sprintf("%q", aws.ToString(live.ClusterArn)))
	set("task_definition", fmt.Sprintf("%q", definitionName(aws.ToString(live.TaskDefinition))))
	set("desired_count", "0")
	if v := aws.ToString(live.PlatformVersion); v != "" {
		set("platform_version", fmt.Sprintf("%q", v))
	}
	if live.EnableExecuteCommand {
		set("enable_execute_command", "true")
	}
	if g := live.HealthCheckGracePeriodSeconds; g != nil {
		set("health_check_grace_period_seconds", fmt.Sprint(*g))
	}
	if d := live.DeploymentConfiguration; d != nil && d.MinimumHealthyPercent != nil && d.MaximumPercent != nil {
		set("deployment_minimum_healthy_percent", fmt.Sprint(*d.MinimumHealthyPercent))
		set("deployment_maximum_percent", fmt.Sprint(*d.MaximumPercent))
	}
	set("availability_zone_rebalancing", `"DISABLED"`)
	set("propagate_tags", `"SERVICE"`)
	b.WriteString("\n  capacity_provider_strategy {\n    capacity_provider = \"FARGATE\"\n    weight            = 1\n  }\n")
	if n := live.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		c := n.AwsvpcConfiguration
		fmt.Fprintf(&b, "\n  network_configuration {\n    subnets          = %s\n    security_groups  = %s\n    assign_public_ip = %t\n  }\n", list(c.Subnets), list(c.SecurityGroups), c.AssignPublicIp == types.AssignPublicIpEnabled)
	}
	for _, l := range live.LoadBalancers {
		fmt.Fprintf(&b, "\n  load_balancer {\n    target_group_arn = %q\n    container_name   = %q\n    container_port   = %d\n  }\n", aws.ToString(l.TargetGroupArn), aws.ToString(l.ContainerName), aws.ToInt32(l.ContainerPort))
	}
	b.WriteString("\n  lifecycle {\n    ignore_changes = [desired_count] # Backstop's, from the first shortage on\n  }\n}\n")
	return b.String()
}
