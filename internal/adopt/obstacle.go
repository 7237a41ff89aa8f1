package adopt

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/twin"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Weight says how much an obstacle is in the way.
type Weight string

const (
	// Note is for what adopt deals with, or what has to be known.
	Note Weight = "note"
	// Advice is for what should be changed first.
	Advice Weight = "advice"
	// Blocks is for what makes it impossible.
	Blocks Weight = "blocks"
)

var weights = []Weight{Note, Advice, Blocks}

// Obstacle is one thing in the way of a service.
type Obstacle struct {
	Weight Weight `json:"weight"`
	// Short names it in a table, What says why it matters, Fix what takes it out of the way.
	Short string `json:"short"`
	What  string `json:"what"`
	Fix   string `json:"fix"`
}

// worstOf is the weight of the worst obstacle; empty: there is none.
func worstOf(all []Obstacle) Weight {
	worst := Weight("")
	for _, o := range all {
		if slices.Index(weights, o.Weight) > slices.Index(weights, worst) {
			worst = o.Weight
		}
	}
	return worst
}

const (
	// noticeSeconds is how long Fargate Spot leaves a task after its notice, stopTimeoutDefault what a task gets that asks for nothing.
	noticeSeconds      = 120
	stopTimeoutDefault = 30
	// quotaSpare is how much more than is needed is asked of a quota.
	quotaSpare = 1.5
)

// obstacles returns what is in the way of a service, the worst first. twinName is the name that its twin is to have; empty: the usual one.
func (v *view) obstacles(s *discover.Service, twinName string) []Obstacle {
	out := []Obstacle{}
	for _, r := range twin.Refusals(s.Live) {
		short, _, _ := strings.Cut(r.What, ":")
		out = append(out, Obstacle{Blocks, short, r.What, r.Fix})
	}
	out = append(out, ofPlatform(s)...)
	out = append(out, ofProviders(s)...)
	out = append(out, ofDeployment(s)...)
	out = append(out, v.ofQuota(s)...)
	out = append(out, v.ofTwin(s, twinName)...)
	out = append(out, ofTasks(s)...)
	out = append(out, v.ofScaling(s, twinName)...)
	out = append(out, v.notes(s)...)
	for i := range out {
		out[i].Fix = inRegion(out[i].Fix, v.found.Region)
	}
	slices.SortStableFunc(out, func(a, b Obstacle) int { return slices.Index(weights, b.Weight) - slices.Index(weights, a.Weight) })
	return out
}

func ofPlatform(s *discover.Service) []Obstacle {
	if windows(s) {
		return []Obstacle{{Blocks, "Windows", "Windows: Fargate Spot runs Linux alone", "none: it stays on on-demand"}}
	}
	least := "1.3.0"
	if s.Task.Arch == string(types.CPUArchitectureArm64) {
		least = "1.4.0"
	}
	if version := aws.ToString(s.Live.Service.PlatformVersion); older(version, least) {
		return []Obstacle{{Blocks, "platform version " + version, "platform version " + version + ": Fargate Spot needs " + least + " or later",
			"aws ecs update-service --cluster " + wording.Shell(s.Cluster) + " --service " + wording.Shell(s.Name) + " --platform-version LATEST"}}
	}
	return nil
}

// older reports whether a platform version comes before another; LATEST and what is no version do not.
func older(version, than string) bool {
	a, b := strings.Split(version, "."), strings.Split(than, ".")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, err1 := strconv.Atoi(a[i])
		y, err2 := strconv.Atoi(b[i])
		if err1 != nil || err2 != nil || x > y {
			return false
		}
		if x < y {
			return true
		}
	}
	return false
}

func ofProviders(s *discover.Service) []Obstacle {
	if s.Providers == nil {
		return nil // not known, and said with what could not be read
	}
	var lacks []string
	for _, p := range []failover.Capacity{failover.OnDemand, failover.Spot} {
		if !slices.Contains(s.Providers, string(p)) {
			lacks = append(lacks, string(p))
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	text := "the cluster lacks the capacity provider " + strings.Join(lacks, " and ")
	return []Obstacle{{Blocks, "no " + strings.Join(lacks, ", "), text,
		"aws ecs put-cluster-capacity-providers --cluster " + wording.Shell(s.Cluster) + " --capacity-providers " + strings.Join(append(slices.Clone(s.Providers), lacks...), " ") +
			" --default-capacity-provider-strategy ...   # the default that the cluster has now"}}
}

func ofDeployment(s *discover.Service) []Obstacle {
	switch {
	case s.Deploying():
		return []Obstacle{{Blocks, "deployment in progress", "a deployment is in progress, and the move to Spot is another one",
			"aws ecs wait services-stable --cluster " + wording.Shell(s.Cluster) + " --services " + wording.Shell(s.Name)}}
	case s.Live.Revision == nil:
		return []Obstacle{{Blocks, "revision unknown", "its service revision could not be read, so that a twin may lack a part of it", "allow ecs:DescribeServiceRevisions"}}
	case stuck(s):
		c := s.Live.Service.DeploymentConfiguration
		return []Obstacle{{Blocks, "no room to deploy", fmt.Sprintf("minimumHealthyPercent %d and maximumPercent %d let a deployment of %s neither stop nor start one: the move would never end",
			*c.MinimumHealthyPercent, *c.MaximumPercent, wording.Count(s.Desired, "task")),
			"aws ecs update-service --cluster " + wording.Shell(s.Cluster) + " --service " + wording.Shell(s.Name) + " --deployment-configuration maximumPercent=200,minimumHealthyPercent=100"}}
	case int(s.Live.Service.RunningCount) < s.Desired:
		return []Obstacle{{Advice, fmt.Sprintf("%d of %d run", s.Live.Service.RunningCount, s.Desired),
			fmt.Sprintf("%d of %s run: what keeps the others from starting would keep the cover from starting", s.Live.Service.RunningCount, wording.Count(s.Desired, "task")),
			"aws ecs describe-services --cluster " + wording.Shell(s.Cluster) + " --services " + wording.Shell(s.Name) + " --query 'services[0].events[:5]'"}}
	}
	return nil
}

// stuck reports whether rolling deployments of a service can replace no task: ECS rounds the minimum up and the maximum down.
func stuck(s *discover.Service) bool {
	c := s.Live.Service.DeploymentConfiguration
	if s.Capacity == failover.Spot || s.Desired == 0 || twin.Shifts(s.Live.Service) || c == nil || c.MinimumHealthyPercent == nil || c.MaximumPercent == nil {
		return false
	}
	least, most := (s.Desired*int(*c.MinimumHealthyPercent)+99)/100, s.Desired*int(*c.MaximumPercent)/100
	return least >= s.Desired && most <= s.Desired
}

// ofQuota looks whether the account may run the tasks of the cover, and then those on Spot.
func (v *view) ofQuota(s *discover.Service) []Obstacle {
	if s.Task.CPU == 0 || s.Desired == 0 {
		return nil
	}
	all := float64(s.Desired) * float64(s.Task.CPU) / 1024
	var out []Obstacle
	for _, q := range []struct {
		code, name   string
		used, needed float64
	}{
		{discover.QuotaOnDemand, "on-demand", v.used.onDemand, all},
		{discover.QuotaSpot, "Spot", v.used.spot, shareOnDemand(s) * float64(s.Task.CPU) / 1024},
	} {
		limit, known := v.found.Quotas[q.code]
		if !known || q.used+q.needed <= limit {
			continue
		}
		where := "the services here"
		if !v.found.Whole {
			where = "the services of this cluster alone"
		}
		out = append(out, Obstacle{Blocks, q.name + " quota", fmt.Sprintf("%s quota %s: %s ask for %.4g vCPU, %s needs %.4g more, and the quota is %.4g", q.name, q.code, where, q.used, s.Name, q.needed, limit),
			fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code fargate --quota-code %s --desired-value %.0f --region %s", q.code, math.Ceil((q.used+q.needed)*quotaSpare), v.found.Region)})
	}
	return out
}

// twinDiffers is the short name of a twin that is there and is not the same service.
const twinDiffers = "twin differs"

// ofTwin looks at the twin that is there, and at who has the name of the one that is not.
func (v *view) ofTwin(s *discover.Service, name string) []Obstacle {
	other := v.find(s.Cluster, v.twinName(s, name))
	if other == nil {
		return nil
	}
	switch {
	case other.Name == s.Name:
		return []Obstacle{{Blocks, "named as a twin", other.Name + " is the name of the service itself", "name another twin: --twin-name NAME"}}
	case other.Desired > 0 && adopted(other):
		return []Obstacle{{Blocks, "adoption under way", "it is being adopted: " + other.Name + " runs " + wording.Count(other.Desired, "task") + " of cover",
			"backstop adopt " + wording.Shell(s.Name) + " --cluster " + wording.Shell(s.Cluster) + " --apply   # or --undo"}}
	case other.Capacity != failover.OnDemand || other.Desired > 0:
		return []Obstacle{{Blocks, "name taken", other.Name + " is there and runs " + wording.Count(other.Desired, "task") + " of its own: it is no standby",
			"name another twin: --twin-name NAME"}}
	}
	var out []Obstacle
	for _, d := range v.differences(s, other) {
		out = append(out, Obstacle{Advice, twinDiffers, fmt.Sprintf("its twin %s differs in %s", other.Name, d.String()), "make it equal, or delete it: adopt makes another one"})
	}
	return out
}

// differences of a service and a twin that is there. What cannot be compared differs.
func (v *view) differences(s, other *discover.Service) []twin.Difference {
	if s.Live.Revision == nil || other.Live.Revision == nil {
		return []twin.Difference{{Field: "its service revision", Service: "readable", Twin: "unknown"}}
	}
	d, err := twin.Differences(s.Live, other.Live)
	if err != nil {
		return []twin.Difference{{Field: "a part that cannot be written", Service: "comparable", Twin: err.Error()}}
	}
	return d
}

func ofTasks(s *discover.Service) []Obstacle {
	if s.Definition == nil {
		return []Obstacle{{Advice, "size unknown", "its task definition could not be read: size, platform and stopTimeout are unknown", "allow ecs:DescribeTaskDefinition"}}
	}
	var short []string
	for i := range s.Definition.ContainerDefinitions {
		c := &s.Definition.ContainerDefinitions[i]
		seconds := int32(stopTimeoutDefault)
		if c.StopTimeout != nil {
			seconds = *c.StopTimeout
		}
		if seconds < noticeSeconds {
			short = append(short, fmt.Sprintf("%s %d s", aws.ToString(c.Name), seconds))
		}
	}
	if len(short) == 0 {
		return nil
	}
	return []Obstacle{{Advice, "stopTimeout below 120", "stopTimeout (" + strings.Join(short, ", ") + "): a task under notice is killed before its two minutes are over",
		"register a revision of " + s.Family + " with stopTimeout 120 in each container, and deploy it"}}
}

// ofScaling offers, for each policy that sees the service alone, the one that goes over both twins.
func (v *view) ofScaling(s *discover.Service, twinName string) []Obstacle {
	var out []Obstacle
	of := twin.Scaled{Region: v.found.Region, Cluster: s.Cluster, Service: s.Name, Twin: v.twinName(s, twinName)}
	for i := range s.Policies {
		switch f := of.Policy(&s.Policies[i]); {
		case f == nil:
		case f.Kind == twin.Alone:
			out = append(out, Obstacle{Advice, "scaling sees one twin", f.What + ": " + f.Then, f.Fix + "   # once the twin is there"})
		case f.Kind == twin.Backlog:
			out = append(out, Obstacle{Advice, "backlog per task of one twin", f.What + ": " + f.Then, f.Fix + "   # once the twin is there"})
		default:
			out = append(out, Obstacle{Note, "scaling unknown", f.What, f.Fix})
		}
	}
	return out
}

// notes are what adopt deals with, and what has to be known.
func (v *view) notes(s *discover.Service) []Obstacle {
	var out []Obstacle
	for i := range v.proposal.Busy {
		if b := &v.proposal.Busy[i]; b.Spot.Cluster == s.Cluster && b.Spot.Name == s.Name && !adopted(&b.OnDemand) {
			out = append(out, Obstacle{Note, "no standby", b.OnDemand.Name + " would be its twin by name, and runs " + wording.Count(b.OnDemand.Desired, "task") + " of its own: it is no standby", "adopt makes another twin"})
		}
	}
	if s.Capacity == "" {
		out = append(out, Obstacle{Note, "mixed strategy", "it mixes FARGATE and FARGATE_SPOT, and ECS starts nothing on FARGATE in place of what Spot cannot place", "adopt makes it FARGATE_SPOT alone, with cover in service meanwhile"})
	}
	if s.Scaled && s.Capacity != failover.Spot {
		out = append(out, Obstacle{Note, "auto scaling", fmt.Sprintf("auto scaling (%d to %d): twice the tasks halve its load", s.ScalingMin, s.ScalingMax), "adopt holds scale-in meanwhile"})
	}
	if d := s.Live.Service.DeploymentConfiguration; d != nil && d.DeploymentCircuitBreaker != nil && d.DeploymentCircuitBreaker.Enable && s.Capacity != failover.Spot {
		out = append(out, Obstacle{Note, "circuit breaker", "its deployment circuit breaker counts tasks that Spot cannot place, and may roll the move back", "nothing is lost then: the cover stays until the move is done"})
	}
	if c := s.Live.Service.DeploymentConfiguration; twin.Shifts(s.Live.Service) {
		what := "its deployments shift traffic (" + string(c.Strategy) + "): the twin is in both target groups, and test traffic may reach cover"
		if s.Capacity != failover.Spot {
			what += "; the move is such a deployment, with both revisions for the bake of " + wording.Count(int(aws.ToInt32(c.BakeTimeInMinutes)), "minute") + " and its hooks"
		}
		out = append(out, Obstacle{Note, "shifts traffic", what, "adopt waits for the end of the deployment: give it the time by --timeout"})
	}
	if s.Desired == 0 {
		out = append(out, Obstacle{Note, "no task", "it runs no task", "nothing needs cover meanwhile"})
	}
	if len(s.Live.Service.LoadBalancers) == 0 && !checked(s.Definition) {
		out = append(out, Obstacle{Note, "no health check", "it has neither a target group nor container health checks: a task counts as in service once it is RUNNING", "set ready_after to how long it takes until it serves"})
	}
	return out
}

// checked reports whether containers have health checks; unknown counts as checked, as it is said otherwise.
func checked(d *types.TaskDefinition) bool {
	return d == nil || slices.ContainsFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool { return c.HealthCheck != nil })
}

// find returns a service by its name.
func (v *view) find(cluster, name string) *discover.Service {
	i := slices.IndexFunc(v.found.Services, func(s discover.Service) bool { return s.Cluster == cluster && s.Name == name })
	if i < 0 {
		return nil
	}
	return &v.found.Services[i]
}

// adopted reports whether a service is a twin that an adoption has made or tagged.
func adopted(s *discover.Service) bool {
	return slices.ContainsFunc(s.Live.Service.Tags, func(t types.Tag) bool { return aws.ToString(t.Key) == TagKey })
}

// TwinOf is the name of the twin that a service has or gets, and reports whether an adoption of it has begun. name is the wanted one; empty:
// the usual one.
func TwinOf(found *discover.Found, s *discover.Service, name string) (twin string, begun bool) {
	v := newView(found, cost.Table{})
	twin = v.twinName(s, name)
	other := v.find(s.Cluster, twin)
	return twin, other != nil && adopted(other)
}

// twinName is the name of the twin that a service has or gets.
func (v *view) twinName(s *discover.Service, name string) string {
	if name != "" {
		return name
	}
	for i := range v.found.Services { // an adoption of before may have given it another name
		o := &v.found.Services[i]
		if r, ok, err := readRecord(o.Live.Service.Tags); err == nil && ok && r.Of == s.Name && o.Cluster == s.Cluster {
			return o.Name
		}
	}
	if pair := v.pairOf(s); pair != nil {
		return pair.OnDemand.Name
	}
	return discover.TwinName(s.Name)
}
