package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// twins returns the workload's first pool and the others. Where only one pool is there, there are no twins.
func (x *exam) twins() (first *poolFacts, others []*poolFacts) {
	for k := range x.w.Refs {
		p := x.f.pools[subjectOf(x.w, k)]
		if p == nil || p.service == nil {
			continue
		}
		if first == nil {
			first = p
		} else {
			others = append(others, p)
		}
	}
	return first, others
}

// together reports whether two services' subnets, security groups and target groups can be the same ones.
func (p *poolFacts) together(o *poolFacts) bool {
	return p.ref.Region == o.ref.Region && p.ref.RoleARN == o.ref.RoleARN
}

// idle says that a service has no task and that ECS makes its deployments, so that a change of it stops nothing.
func (p *poolFacts) idle() bool {
	sv := p.service
	return p.policy.Capacity == onDemand && sv.DesiredCount == 0 && sv.RunningCount == 0 && sv.PendingCount == 0 &&
		(sv.DeploymentController == nil || sv.DeploymentController.Type == types.DeploymentControllerTypeEcs)
}

// compare compares every other pool with the first. differ says what is not the same, or nothing; fix is the end of
// the update-service command, update the same for --fix.
func (x *exam) compare(status Status, same string, differ func(first, p *poolFacts) string, fix func(first *poolFacts) string, update func(first *poolFacts, in *ecs.UpdateServiceInput)) verdict {
	first, others := x.twins()
	if len(others) == 0 {
		return skip("there is one pool only")
	}
	var v verdict
	for _, p := range others {
		what := differ(first, p)
		if what == "" {
			continue
		}
		if v.status == "" {
			v = bad(status, p.command("update-service")+" "+fix(first), "%s: %s", p.ref.Service, what)
		} else {
			v.text += fmt.Sprintf("; %s: %s", p.ref.Service, what)
		}
		if update != nil && p.idle() && p.together(first) {
			v.changes = append(v.changes, updateChange(p, first, strings.TrimSpace(fix(first)), update))
		}
	}
	if v.status == "" {
		return okay("%s", same)
	}
	return v
}

func checkTwinDefinition(x *exam) verdict {
	return x.compare(Fail, "the same everywhere", func(first, p *poolFacts) string {
		a, b := aws.ToString(first.service.TaskDefinition), aws.ToString(p.service.TaskDefinition)
		if a == b {
			return ""
		}
		if p.together(first) {
			return fmt.Sprintf("%s, and %s runs %s: a failover would change the release", revision(b), first.ref.Service, revision(a))
		}
		if d := contentDiffers(first.definition, p.definition); d != "" {
			return d
		}
		return ""
	}, func(first *poolFacts) string {
		return "--task-definition " + revision(aws.ToString(first.service.TaskDefinition))
	},
		func(first *poolFacts, in *ecs.UpdateServiceInput) { in.TaskDefinition = first.service.TaskDefinition })
}

// contentDiffers compares definitions of different regions, whose revisions need not agree.
func contentDiffers(a, b *types.TaskDefinition) string {
	if a == nil || b == nil {
		return ""
	}
	if aws.ToString(a.Cpu) != aws.ToString(b.Cpu) || aws.ToString(a.Memory) != aws.ToString(b.Memory) {
		return "another size of task"
	}
	image := func(d *types.TaskDefinition) (all []string) {
		for i := range d.ContainerDefinitions {
			name := aws.ToString(d.ContainerDefinitions[i].Image)
			all = append(all, name[strings.LastIndexByte(name, '/')+1:]) // registries differ by region
		}
		return all
	}
	if !slices.Equal(image(a), image(b)) {
		return "other images: " + strings.Join(image(b), ", ")
	}
	return ""
}

func network(p *poolFacts) *types.AwsVpcConfiguration {
	if p.service.NetworkConfiguration == nil || p.service.NetworkConfiguration.AwsvpcConfiguration == nil {
		return &types.AwsVpcConfiguration{}
	}
	return p.service.NetworkConfiguration.AwsvpcConfiguration
}

func sorted(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, ",")
}

func checkTwinNetwork(x *exam) verdict {
	public := func(c *types.AwsVpcConfiguration) types.AssignPublicIp {
		if c.AssignPublicIp == "" {
			return types.AssignPublicIpDisabled
		}
		return c.AssignPublicIp
	}
	return x.compare(Fail, "the same everywhere", func(first, p *poolFacts) string {
		a, b := network(first), network(p)
		switch {
		case !p.together(first):
			return ""
		case sorted(a.SecurityGroups) != sorted(b.SecurityGroups):
			return fmt.Sprintf("security groups %s, not %s: it may not reach what it needs", orElse(sorted(b.SecurityGroups), "none"), orElse(sorted(a.SecurityGroups), "none"))
		case public(a) != public(b):
			return fmt.Sprintf("assignPublicIp %s, not %s: it may not reach the image's registry", public(b), public(a))
		case sorted(a.Subnets) != sorted(b.Subnets) && p.policy.Capacity == onDemand:
			return fmt.Sprintf("subnets %s, not %s", sorted(b.Subnets), sorted(a.Subnets))
		}
		return ""
	}, func(first *poolFacts) string {
		c := network(first)
		return fmt.Sprintf("--network-configuration \"awsvpcConfiguration={subnets=[%s],securityGroups=[%s],assignPublicIp=%s}\"", sorted(c.Subnets), sorted(c.SecurityGroups), public(c))
	}, func(first *poolFacts, in *ecs.UpdateServiceInput) {
		in.NetworkConfiguration = first.service.NetworkConfiguration
	})
}

func checkTwinTargets(x *exam) verdict {
	targets := func(p *poolFacts) (all []string) {
		for _, b := range p.service.LoadBalancers {
			all = append(all, fmt.Sprintf("targetGroupArn=%s,containerName=%s,containerPort=%d", aws.ToString(b.TargetGroupArn), aws.ToString(b.ContainerName), aws.ToInt32(b.ContainerPort)))
		}
		slices.Sort(all)
		return all
	}
	return x.compare(Fail, "the same everywhere", func(first, p *poolFacts) string {
		a, b := targets(first), targets(p)
		if !p.together(first) || slices.Equal(a, b) {
			return ""
		}
		if len(b) == 0 {
			return "no target group: what runs there gets no traffic"
		}
		return fmt.Sprintf("%d target groups that are not those of %s", len(b), first.ref.Service)
	}, func(first *poolFacts) string {
		if all := targets(first); len(all) > 0 {
			return "--load-balancers " + strings.Join(all, " ")
		}
		return "--load-balancers '[]'"
	}, nil)
}

func checkTwinDiscovery(x *exam) verdict {
	connect := func(p *poolFacts) bool {
		for i := range p.service.Deployments {
			if c := p.service.Deployments[i].ServiceConnectConfiguration; c != nil && c.Enabled && len(c.Services) > 0 {
				return true
			}
		}
		return false
	}
	return x.compare(Fail, "neither Service Connect nor Cloud Map is in the way", func(first, p *poolFacts) string {
		switch {
		case connect(first) || connect(p):
			return "Service Connect: twins cannot offer one name, so that clients do not find the cover"
		case len(first.service.ServiceRegistries) != len(p.service.ServiceRegistries):
			return "Cloud Map knows only one of the twins, so that clients do not find the cover"
		}
		return ""
	}, func(*poolFacts) string {
		return "--service-connect-configuration enabled=false   # and a load balancer before both"
	}, nil)
}

func checkTwinPlatform(x *exam) verdict {
	version := func(p *poolFacts) string {
		if v := aws.ToString(p.service.PlatformVersion); v != "" && v != "LATEST" {
			return v
		}
		return "1.4.0" // what LATEST is on Linux
	}
	family := func(p *poolFacts) string {
		return strings.ToLower(orElse(aws.ToString(p.service.PlatformFamily), "linux"))
	}
	first, _ := x.twins()
	return x.compare(Fail, orElse(aws.ToString(first.service.PlatformVersion), "LATEST"), func(first, p *poolFacts) string {
		switch {
		case family(first) != family(p):
			return fmt.Sprintf("platform family %s, not %s", family(p), family(first))
		case version(first) != version(p):
			return fmt.Sprintf("platform version %s, not %s", version(p), version(first))
		}
		return ""
	}, func(first *poolFacts) string { return "--platform-version " + version(first) },
		func(first *poolFacts, in *ecs.UpdateServiceInput) { in.PlatformVersion = aws.String(version(first)) })
}

func checkTwinArchitecture(x *exam) verdict {
	arch := func(p *poolFacts) types.CPUArchitecture {
		if p.definition == nil || p.definition.RuntimePlatform == nil || p.definition.RuntimePlatform.CpuArchitecture == "" {
			return types.CPUArchitectureX8664
		}
		return p.definition.RuntimePlatform.CpuArchitecture
	}
	first, _ := x.twins()
	return x.compare(Warn, string(arch(first)), func(first, p *poolFacts) string {
		if arch(first) != arch(p) {
			return fmt.Sprintf("%s, not %s: the images must be built for both", arch(p), arch(first))
		}
		return ""
	}, func(first *poolFacts) string {
		return "--task-definition " + revision(aws.ToString(first.service.TaskDefinition))
	}, nil)
}

func checkTwinGrace(x *exam) verdict {
	grace := func(p *poolFacts) int32 { return aws.ToInt32(p.service.HealthCheckGracePeriodSeconds) }
	return x.compare(Warn, "the same everywhere", func(first, p *poolFacts) string {
		if grace(first) != grace(p) {
			return fmt.Sprintf("health check grace period %d s, not %d s: slow starters are killed on one side only", grace(p), grace(first))
		}
		return ""
	}, func(first *poolFacts) string {
		return fmt.Sprintf("--health-check-grace-period-seconds %d", grace(first))
	},
		func(first *poolFacts, in *ecs.UpdateServiceInput) {
			in.HealthCheckGracePeriodSeconds = aws.Int32(grace(first))
		})
}

func checkTwinExec(x *exam) verdict {
	flag := map[bool]string{true: "--enable-execute-command", false: "--disable-execute-command"}
	return x.compare(Warn, "the same everywhere", func(first, p *poolFacts) string {
		if first.service.EnableExecuteCommand != p.service.EnableExecuteCommand {
			return fmt.Sprintf("enableExecuteCommand %t, not %t", p.service.EnableExecuteCommand, first.service.EnableExecuteCommand)
		}
		return ""
	}, func(first *poolFacts) string { return flag[first.service.EnableExecuteCommand] },
		func(first *poolFacts, in *ecs.UpdateServiceInput) {
			in.EnableExecuteCommand = aws.Bool(first.service.EnableExecuteCommand)
		})
}
