package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// notice is how long a Spot task is warned before it is stopped.
const notice = 2 * time.Minute

// command begins an AWS CLI command on the pool's service.
func (p *poolFacts) command(verb string) string {
	return fmt.Sprintf("aws ecs %s --region %s --cluster %s --service %s", verb, p.ref.Region, p.ref.Cluster, p.ref.Service)
}

func checkCluster(x *exam) verdict {
	switch {
	case x.p.cluster == nil || aws.ToString(x.p.cluster.Status) == "INACTIVE":
		return bad(Fail, "aws ecs list-clusters --region "+x.p.ref.Region+"   # then correct `cluster` or `region` of the pool",
			"there is no cluster %s in %s", x.p.ref.Cluster, x.p.ref.Region)
	case aws.ToString(x.p.cluster.Status) != "ACTIVE":
		return bad(Fail, "aws ecs describe-clusters --region "+x.p.ref.Region+" --clusters "+x.p.ref.Cluster, "the cluster %s is %s", x.p.ref.Cluster, aws.ToString(x.p.cluster.Status))
	}
	return okay("%s is ACTIVE", x.p.ref.Cluster)
}

func checkService(x *exam) verdict {
	if x.p.service != nil && aws.ToString(x.p.service.Status) == "ACTIVE" {
		return okay("%s is ACTIVE, %d of %d tasks run", x.p.ref.Service, x.p.service.RunningCount, x.p.service.DesiredCount)
	}
	fix := fmt.Sprintf("aws ecs list-services --region %s --cluster %s   # then correct `service` of the pool", x.p.ref.Region, x.p.ref.Cluster)
	if x.p.policy.Capacity == onDemand {
		if first := x.w.Refs[ownerOf(x.w)]; first.Service != x.p.ref.Service {
			fix = fmt.Sprintf("backstop init --twin %s --twin-name %s --cluster %s --region %s   # prints the command that makes it", first.Service, x.p.ref.Service, first.Cluster, first.Region)
		}
	}
	if x.p.service != nil {
		return bad(Fail, fix, "the service %s is %s", x.p.ref.Service, aws.ToString(x.p.service.Status))
	}
	return bad(Fail, fix, "there is no service %s in the cluster %s", x.p.ref.Service, x.p.ref.Cluster)
}

func checkServiceKind(x *exam) verdict {
	sv := x.p.service
	if sv.SchedulingStrategy == types.SchedulingStrategyDaemon {
		return bad(Fail, "take the pool out of backstop.yaml: a DAEMON service has no desired count, and does not run on Fargate", "it is a DAEMON service")
	}
	if c := sv.DeploymentController; c != nil && c.Type != types.DeploymentControllerTypeEcs && c.Type != "" {
		status := Warn
		if c.Type == types.DeploymentControllerTypeExternal {
			status = Fail
		}
		return bad(status, "deployment_controller { type = \"ECS\" }   # Terraform", "its deployments are made by %s: the twins' task definitions cannot be kept in step", c.Type)
	}
	return okay("REPLICA, deployed by ECS")
}

func checkStrategy(x *exam) verdict {
	sv, want := x.p.service, string(x.p.policy.Capacity)
	fix := x.p.command("update-service") + " --capacity-provider-strategy capacityProvider=" + want + ",weight=1 --force-new-deployment   # replaces every task"
	if len(sv.CapacityProviderStrategy) == 0 {
		if want == string(onDemand) && sv.LaunchType == types.LaunchTypeFargate {
			return okay("launch type FARGATE")
		}
		return bad(Fail, fix, "the pool says %s, the service has the launch type %s and no capacity provider", want, sv.LaunchType)
	}
	var used, idle []string
	for _, item := range sv.CapacityProviderStrategy {
		name := aws.ToString(item.CapacityProvider)
		if item.Weight > 0 || item.Base > 0 {
			used = append(used, name)
		} else {
			idle = append(idle, name)
		}
	}
	switch {
	case slices.Contains(used, string(spot)) && slices.Contains(used, string(onDemand)):
		return bad(Fail, fix, "it mixes FARGATE and FARGATE_SPOT. Weights are not a fallback: ECS splits the tasks by weight, and what Spot cannot place is not started on FARGATE")
	case !slices.Equal(used, []string{want}):
		return bad(Fail, fix, "the pool says %s, the service runs on %s", want, strings.Join(used, " and "))
	case len(idle) > 0:
		return bad(Warn, fix, "%s has weight 0 and gets no task, not even when %s has none. Weights are not a fallback", strings.Join(idle, ", "), want)
	}
	return okay("%s alone", want)
}

// checkProvider looks whether ECS takes the pool's provider in the cluster; a service with the launch type FARGATE needs none.
func checkProvider(x *exam) verdict {
	has, want := x.p.cluster.CapacityProviders, string(x.p.policy.Capacity)
	if slices.Contains(has, want) {
		return okay("%s", strings.Join(has, ", "))
	}
	if want == string(onDemand) && len(x.p.service.CapacityProviderStrategy) == 0 {
		return okay("launch type FARGATE")
	}
	return bad(Fail, fmt.Sprintf("aws ecs put-cluster-capacity-providers --region %s --cluster %s --capacity-providers %s --default-capacity-provider-strategy ...   # the default that the cluster has now",
		x.p.ref.Region, x.p.ref.Cluster, strings.Join(append(slices.Clone(has), want), " ")), "the cluster %s lacks the capacity provider %s: ECS refuses changes of the service", x.p.ref.Cluster, want)
}

func checkStopTimeout(x *exam) verdict {
	var short []string
	for i := range x.p.definition.ContainerDefinitions {
		c := &x.p.definition.ContainerDefinitions[i]
		seconds := aws.ToInt32(c.StopTimeout)
		if seconds == 0 {
			seconds = 30 // Fargate's default
		}
		if (c.Essential == nil || *c.Essential) && seconds < int32(notice.Seconds()) {
			short = append(short, fmt.Sprintf("%s has %d s", aws.ToString(c.Name), seconds))
		}
	}
	if len(short) > 0 {
		return bad(Warn, "stopTimeout = 120   # Terraform, in every essential container of "+revision(aws.ToString(x.p.definition.TaskDefinitionArn)),
			"%s: it is killed long before the two-minute notice ends, and work in flight with it", strings.Join(short, ", "))
	}
	return okay("120 s")
}

func checkDeregistration(x *exam) verdict {
	if len(x.p.service.LoadBalancers) == 0 {
		return okay("no load balancer")
	}
	arns := slices.Sorted(maps.Keys(x.p.delays))
	for _, arn := range arns {
		delay := x.p.delays[arn]
		if delay >= notice {
			return bad(Warn, fmt.Sprintf("aws elbv2 modify-target-group-attributes --region %s --target-group-arn %s --attributes Key=deregistration_delay.timeout_seconds,Value=90   # Terraform: deregistration_delay = 90",
				x.p.ref.Region, arn), "%s keeps sending to a stopping task for %s, the notice is two minutes: clients see errors at every interruption", lastPart(arn), delay)
		}
	}
	for _, arn := range arns {
		if delay := x.p.delays[arn]; x.p.policy.Capacity == onDemand && delay > coverDelay {
			return bad(Warn, fmt.Sprintf("aws elbv2 modify-target-group-attributes --region %s --target-group-arn %s --attributes Key=deregistration_delay.timeout_seconds,Value=%.0f   # Terraform: deregistration_delay = %.0f",
				x.p.ref.Region, arn, coverDelay.Seconds(), coverDelay.Seconds()),
				"%s lets tasks drain for %s: cover that is given back is billed for that long, which costs about 5 %% more than with %s", lastPart(arn), delay, coverDelay)
		}
	}
	return okay("%d target groups let go within the notice", len(x.p.delays))
}

// coverDelay is the longest deregistration delay of cover that costs next to nothing.
const coverDelay = 30 * time.Second

func checkRebalancing(x *exam) verdict {
	if x.p.service.AvailabilityZoneRebalancing != types.AvailabilityZoneRebalancingEnabled {
		return okay("off")
	}
	return bad(Warn, x.p.command("update-service")+" --availability-zone-rebalancing DISABLED",
		"ECS starts and stops tasks of the standby to even out its zones: it moves cover while that is needed")
}

func checkDeployment(x *exam) verdict {
	for i := range x.p.service.Deployments {
		d := &x.p.service.Deployments[i]
		if aws.ToString(d.Status) != "PRIMARY" {
			continue
		}
		switch {
		case d.RolloutState == types.DeploymentRolloutStateFailed:
			return bad(Fail, x.p.command("update-service")+" --force-new-deployment   # after mending "+revision(aws.ToString(d.TaskDefinition)),
				"the last deployment failed: %s; ECS starts no more of its tasks", orElse(aws.ToString(d.RolloutStateReason), "no reason given"))
		case d.RolloutState == types.DeploymentRolloutStateInProgress && len(x.p.service.Deployments) > 1:
			return bad(Warn, x.p.command("describe-services")+" --query 'services[].deployments[]'   # wait for it", "a deployment is under way; ramps and releases wait for it")
		}
	}
	return okay("none is under way")
}

func checkCircuitBreaker(x *exam) verdict {
	c := x.p.service.DeploymentConfiguration
	if c == nil || c.DeploymentCircuitBreaker == nil || !c.DeploymentCircuitBreaker.Enable {
		return okay("off")
	}
	consequence := "stops it"
	if c.DeploymentCircuitBreaker.Rollback {
		consequence = "rolls a good release back"
	}
	return bad(Warn, x.p.command("update-service")+` --deployment-configuration "deploymentCircuitBreaker={enable=false,rollback=false}"   # or keep it on the on-demand twin and deploy there first`,
		"a Spot shortage during a deployment counts as its failure and %s", consequence)
}

func (p *poolFacts) scalingCommand(flags string) string {
	return fmt.Sprintf("aws application-autoscaling register-scalable-target --region %s --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id %s %s",
		p.ref.Region, resourceID(p.ref), flags)
}

func checkScalingMax(x *exam) verdict {
	t := x.p.target
	if t == nil {
		return okay("no scalable target")
	}
	want, known := x.f.demand(x.w)
	if !known {
		return skip("the demand is not known")
	}
	most := int(aws.ToInt32(t.MaxCapacity))
	if most < want && x.f.parked(x) == nil {
		return bad(Fail, x.p.scalingCommand(fmt.Sprintf("--max-capacity %d", want+want/2)), "its scalable target has max %d, the demand is %d: auto scaling takes the rest away", most, want)
	}
	return okay("max %d, demand %d", most, want)
}

// checkScalingOwner looks for an owner whose desired count differs from the demand on purpose. Auto scaling computes the
// next count from the present one, so what is on top of the demand is added to it at every step, and what is held back is lost.
func checkScalingOwner(x *exam) verdict {
	policy, k := &x.w.Policy, ownerOf(x.w)
	if x.p.target == nil || policy.Demand > 0 || policy.Pools[k].Name != x.p.policy.Name {
		return okay("no scalable target that sets the demand")
	}
	shared := slices.ContainsFunc(policy.Pools, func(o failover.Pool) bool { return o.Name != x.p.policy.Name && o.Tier == x.p.policy.Tier })
	switch {
	case x.p.policy.Max > 0 || shared:
		return bad(Warn, "leave out max and share no tier, or give `demand` as a number", "auto scaling sets the demand, and the pool is asked for less than the demand: each step of scaling loses what other pools hold")
	}
	return okay("auto scaling computes from the demand")
}

// parked returns the scaling that backstop itself has put aside for the pool, or nil.
func (f *facts) parked(x *exam) *failover.Scaling {
	r := f.state.records[x.w.Name]
	return r.State.Pool(x.p.policy.Name).Parked
}

func checkScalingSuspended(x *exam) verdict {
	t := x.p.target
	if t == nil || t.SuspendedState == nil {
		return okay("nothing is suspended")
	}
	s := t.SuspendedState
	var what []string
	for _, part := range []struct {
		on   *bool
		name string
	}{{s.DynamicScalingInSuspended, "scale-in"}, {s.DynamicScalingOutSuspended, "scale-out"}, {s.ScheduledScalingSuspended, "scheduled actions"}} {
		if aws.ToBool(part.on) {
			what = append(what, part.name)
		}
	}
	switch {
	case len(what) == 0:
		return okay("nothing is suspended")
	case x.f.parked(x) != nil:
		return okay("suspended by backstop while its breaker is open")
	}
	return bad(Warn, x.p.scalingCommand("--suspended-state DynamicScalingInSuspended=false,DynamicScalingOutSuspended=false,ScheduledScalingSuspended=false"),
		"%s suspended, and not by backstop: the demand does not follow the load", strings.Join(what, ", ")+" "+are(len(what)))
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// zones returns the availability zones of a pool: of its subnets, or else those that its tasks were seen in.
func (p *poolFacts) zones() (zones []string, sure bool) {
	for _, s := range p.subnets {
		if !slices.Contains(zones, s.zone) {
			zones = append(zones, s.zone)
		}
	}
	if len(zones) > 0 {
		return zones, true
	}
	for i := range p.tasks {
		if z := aws.ToString(p.tasks[i].AvailabilityZone); z != "" && !slices.Contains(zones, z) {
			zones = append(zones, z)
		}
	}
	slices.Sort(zones)
	return zones, false
}

func checkZones(x *exam) verdict {
	ids := subnetsOf(x.p)
	if len(ids) == 0 {
		return skip("the service shows no subnets")
	}
	fix := x.p.command("update-service") + ` --network-configuration "awsvpcConfiguration={subnets=[SUBNET,SUBNET-IN-ANOTHER-ZONE],...}"   # starts a deployment`
	zones, sure := x.p.zones()
	switch {
	case len(ids) < 2:
		return bad(Warn, fix, "one subnet, so one availability zone: Spot capacity is per zone, and short in one is often there in another")
	case sure && len(zones) < 2:
		return bad(Warn, fix, "%d subnets, all in %s: Spot capacity is per zone", len(ids), strings.Join(zones, ", "))
	case sure:
		return okay("%s", strings.Join(zones, ", "))
	}
	return okay("%d subnets", len(ids))
}

func checkAddresses(x *exam) verdict {
	if len(x.p.subnets) == 0 {
		return skip("the service shows no subnets")
	}
	free := 0
	for _, s := range x.p.subnets {
		free += s.free
	}
	want, cover := x.f.cover(x.w, slices.IndexFunc(x.w.Policy.Pools, func(p failover.Pool) bool { return p.Name == x.p.policy.Name }))
	if !cover {
		want, _ = x.f.demand(x.w)
	}
	want = max(0, want-int(x.p.service.RunningCount))
	if free < want {
		return bad(Fail, x.p.command("update-service")+` --network-configuration "awsvpcConfiguration={subnets=[...],...}"   # with larger subnets`,
			"%d addresses are free, %d tasks may have to start, and each takes one", free, want)
	}
	return okay("%d addresses are free, %d tasks may have to start", free, want)
}

func orElse(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}
