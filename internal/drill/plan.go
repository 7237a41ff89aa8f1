package drill

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// minimumDefault is the minimumHealthyPercent of a service that names none (ECS API reference, DeploymentConfiguration: REPLICA).
const minimumDefault = 100

// Options say what is rehearsed. All but Beyond, TaskHourUSD and Progress are needed.
type Options struct {
	AWS      aws.Config
	Services control.Services
	Store    control.Store
	Workload control.Workload
	// Tasks is how many Spot tasks are stopped, 1 at least. Beyond allows more than minimumHealthyPercent leaves.
	Tasks  int
	Beyond bool
	// Every is how long to wait between two looks, Timeout how long to look for the workload to be as it was.
	Every, Timeout time.Duration
	// TaskHourUSD is the price of an on-demand task for an hour in US dollars; 0: not known.
	TaskHourUSD float64
	// Progress is told after every look; nil: nobody is.
	Progress func(Report)
}

// Refusal says why there is no drill now.
type Refusal struct{ text, hint string }

// Error is the reason.
func (r *Refusal) Error() string { return r.text }

// Hint is what a person can do about it.
func (r *Refusal) Hint() string { return r.hint }

func refuse(hint, format string, args ...any) error {
	return &Refusal{fmt.Sprintf(format, args...), hint}
}

// Plan is what a drill would do.
type Plan struct {
	Workload string `json:"workload"`
	Pool     string `json:"pool"`
	// Tasks are those that would be stopped, Demand is what is wanted and InService what serves of it.
	Tasks     []string `json:"tasks"`
	Demand    int      `json:"demand"`
	InService int      `json:"in_service"`
	// Bound is how many tasks the service's own minimumHealthyPercent lets be missing, one at least of more than one.
	Bound          int `json:"bound"`
	MinimumPercent int `json:"minimum_healthy_percent"`

	ref      control.ServiceRef
	spot     int // the pool's place
	onDemand int // what on-demand is asked for
	state    failover.State
}

// Prepare looks at the workload and plans the drill. It changes nothing. The error is a [*Refusal] where a drill would be unwise, or
// would show nothing.
func Prepare(ctx context.Context, o Options) (*Plan, error) {
	p := &Plan{Workload: o.Workload.Name}
	records, err := o.Store.Load(ctx, []string{p.Workload})
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	p.state = records[p.Workload].State
	if err := p.ordered(&o.Workload.Policy); err != nil {
		return nil, err
	}
	p.spot = slices.IndexFunc(o.Workload.Policy.Pools, func(q failover.Pool) bool { return q.Capacity == failover.Spot })
	if p.spot < 0 {
		return nil, refuse("", "%s has no Spot pool: there is nothing that AWS could take back", p.Workload)
	}
	p.Pool, p.ref = o.Workload.Policy.Pools[p.spot].Name, o.Workload.Refs[p.spot]
	now, err := see(ctx, &o)
	if err != nil {
		return nil, err
	}
	if err := p.calm(&o, now); err != nil {
		return nil, err
	}
	if err := p.bound(ctx, &o, now); err != nil {
		return nil, err
	}
	return p, nil
}

// ordered refuses what an order or the preset keeps from being covered.
func (p *Plan) ordered(policy *failover.Policy) error {
	st := &p.state
	switch {
	case st.Generation == 0 || !st.DemandSet:
		return refuse("backstop run", "no guard has looked at %s yet", p.Workload)
	case policy.Observe:
		return refuse("choose the preset fill or switch", "%s is only observed: nothing would cover the loss", p.Workload)
	case st.Pause != nil:
		return refuse("backstop resume "+p.Workload, "%s is paused: nothing would cover the loss", p.Workload)
	case st.Pin != nil:
		return refuse("backstop unpin "+p.Workload, "%s is pinned to %s: nothing would cover the loss", p.Workload, st.Pin.Mode)
	case st.Gap != nil || !st.MissingSince.IsZero():
		return refuse("backstop status "+p.Workload, "%s has lost tasks just now: that is no time for a drill", p.Workload)
	}
	return nil
}

// calm refuses a workload that is not whole, or in a deployment.
func (p *Plan) calm(o *Options, now *sight) error {
	p.Demand = p.state.Demand
	p.InService = now.serving(nil)
	for i := range now.pools {
		q := &now.pools[i]
		if o.Workload.Policy.Pools[i].Capacity == failover.OnDemand {
			p.onDemand += q.desired
		}
		if q.deploying {
			return refuse("wait for its end", "a deployment of %s is in progress", o.Workload.Refs[i])
		}
	}
	if p.InService < p.Demand {
		return refuse("backstop status "+p.Workload, "%d of %d tasks of %s are in service: that is no time for a drill", p.InService, p.Demand, p.Workload)
	}
	return nil
}

// bound chooses the tasks, and refuses more of them than the service can spare by its own words.
func (p *Plan) bound(ctx context.Context, o *Options, now *sight) error {
	minimum, err := minimumOf(ctx, o.AWS, p.ref)
	if err != nil {
		return err
	}
	p.MinimumPercent = minimum
	p.Bound = max(p.Demand*(100-minimum)/100, min(1, p.Demand-1))
	tasks := now.pools[p.spot].serving()
	if o.Tasks > len(tasks) {
		return refuse("", "%s has %d tasks in service on Spot, %d were asked for", p.Workload, len(tasks), o.Tasks)
	}
	if o.Tasks > p.Bound && !o.Beyond {
		return refuse("fewer tasks, or --beyond-minimum", "%d tasks are more than %s can spare by its minimumHealthyPercent of %d: %d", o.Tasks, p.ref.Service, minimum, p.Bound)
	}
	slices.Sort(tasks)
	p.Tasks = tasks[:o.Tasks]
	return nil
}

// minimumOf reads the minimumHealthyPercent of a service.
func minimumOf(ctx context.Context, cfg aws.Config, ref control.ServiceRef) (int, error) {
	out, err := client(cfg, ref).DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &ref.Cluster, Services: []string{ref.Service}})
	if err != nil {
		return 0, failure.Wrap("ecs:DescribeServices", "describe service "+ref.String(), err)
	}
	if len(out.Services) == 0 {
		return 0, fmt.Errorf("describe service %s: it is not there", ref)
	}
	if c := out.Services[0].DeploymentConfiguration; c != nil && c.MinimumHealthyPercent != nil {
		return int(*c.MinimumHealthyPercent), nil
	}
	return minimumDefault, nil
}

func client(cfg aws.Config, ref control.ServiceRef) *ecs.Client {
	return ecs.NewFromConfig(role.At(cfg, ref.Region, ref.RoleARN, role.Session))
}

// Text says what would be done, in one sentence.
func (p *Plan) Text() string {
	return fmt.Sprintf("stop %d of the %d tasks of %s as a Spot interruption does (%s), and measure until all is as before; the application gets SIGTERM and its stopTimeout",
		len(p.Tasks), p.Demand, p.ref.Service, strings.Join(p.Tasks, ", "))
}
