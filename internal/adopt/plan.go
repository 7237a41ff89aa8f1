package adopt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/twin"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Counts are the tasks that are asked for.
type Counts struct {
	// OnDemand and Spot are of the service, Twin of its twin, which runs on on-demand.
	OnDemand int `json:"on_demand"`
	Spot     int `json:"spot"`
	Twin     int `json:"twin"`
}

// The steps of a plan, in their order. A service has those that it needs.
const (
	StepTwin   = "twin"
	StepHold   = "hold-scale-in"
	StepCover  = "cover"
	StepMove   = "move"
	StepGive   = "give-back"
	StepResume = "resume-scale-in"
	StepGuard  = "guard"
)

// Step is one step of a plan.
type Step struct {
	Name string `json:"name"`
	Does string `json:"does"`
	// Commands carry it out, Wait is what must be so before the next step, Undo takes it back once every later step is undone.
	Commands []string `json:"commands"`
	Wait     string   `json:"wait,omitempty"`
	Undo     []string `json:"undo"`
	Before   Counts   `json:"before"`
	After    Counts   `json:"after"`
	// USDPerHour is what the tasks cost for an hour after it; nil where that is not known.
	USDPerHour *float64 `json:"usd_per_hour,omitempty"`
}

// Plan is how one service becomes a guarded workload.
type Plan struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	Twin    string `json:"twin"`
	Tasks   int    `json:"tasks"`
	// Mixed reports that the service's strategy mixes both kinds of capacity, so that its first counts are by the strategy.
	Mixed bool `json:"mixed"`
	// Now is what is asked for before the first step, and what it costs.
	Now        Counts   `json:"now"`
	USDPerHour *float64 `json:"usd_per_hour,omitempty"`
	Saves      *float64 `json:"saves_per_month_usd,omitempty"`
	// Unknown is why the costs are not known.
	Unknown string `json:"saves_unknown,omitempty"`
	Prices  string `json:"prices"`
	// Obstacles are what has to be known, and what should be changed first.
	Obstacles []Obstacle `json:"obstacles"`
	Steps     []Step     `json:"steps"`
	// Configuration guards it, in YAML.
	Configuration string   `json:"configuration"`
	Unread        []string `json:"unread"`
}

// RefusedError says that a service cannot be adopted as it is, or with Undo that its adoption cannot be undone.
type RefusedError struct {
	Service   string
	Obstacles []Obstacle
	Undo      bool
}

func (e *RefusedError) Error() string {
	lines := make([]string, len(e.Obstacles))
	for i, o := range e.Obstacles {
		lines[i] = o.What
	}
	if e.Undo {
		return "the adoption of " + e.Service + " cannot be undone: " + strings.Join(lines, "; ")
	}
	return e.Service + " cannot be adopted as it is: " + strings.Join(lines, "; ")
}

// Hint says what takes the first obstacle out of the way.
func (e *RefusedError) Hint() string { return e.Obstacles[0].Fix }

// planner makes the steps of one service.
type planner struct {
	view    *view
	s       *discover.Service
	twin    string
	there   bool // the twin
	now     Counts
	known   bool // the costs
	od, sp  float64
	cluster string // both names, as arguments of a command
	service string
	steps   []Step
}

// PlanOf says how a service becomes a guarded workload, or with a RefusedError why it cannot.
func PlanOf(found *discover.Found, s *discover.Service, twinName string, prices cost.Table) (Plan, error) {
	v := newView(found, prices)
	return v.plan(s, twinName)
}

// plan is the plan of a service as things are in the view.
func (v *view) plan(s *discover.Service, twinName string) (Plan, error) {
	found := v.found
	if of := v.twinOf(s); of != "" {
		return Plan{}, &RefusedError{Service: s.Name, Obstacles: []Obstacle{{Blocks, "twin", "it stands by for " + of, "backstop adopt " + wording.Shell(of) + " --cluster " + wording.Shell(s.Cluster)}}}
	}
	p := Plan{Region: found.Region, Cluster: s.Cluster, Service: s.Name, Twin: v.twinName(s, twinName), Tasks: s.Desired, Mixed: s.Capacity == "", Prices: "list prices of " + cost.TableDate,
		Unread: append([]string{}, found.Unread...)}
	p.Obstacles = v.obstacles(s, twinName)
	if blocking := blockers(p.Obstacles); len(blocking) > 0 {
		return Plan{}, &RefusedError{Service: s.Name, Obstacles: blocking}
	}
	if saves, err := v.saves(s); err != nil {
		p.Unknown = err.Error()
	} else {
		p.Saves = &saves
	}
	w := planner{view: v, s: s, twin: p.Twin, there: v.find(s.Cluster, p.Twin) != nil, now: v.split(s), cluster: wording.Shell(s.Cluster), service: wording.Shell(s.Name)}
	var err error
	w.od, w.sp, err = v.taskHours(s)
	w.known = err == nil
	p.Now, p.USDPerHour = w.now, w.usd(w.now)
	if err := w.make(); err != nil {
		return Plan{}, err
	}
	p.Steps = w.steps
	text := discover.YAML(found, discover.Proposal{Pairs: []discover.Pair{{Name: discover.WorkloadOf(s.Name), Spot: *s, OnDemand: w.standby(), Why: "by backstop adopt"}}})
	p.Configuration = string(text)
	return p, nil
}

func blockers(all []Obstacle) []Obstacle {
	var out []Obstacle
	for _, o := range all {
		if o.Weight == Blocks {
			out = append(out, o)
		}
	}
	return out
}

// standby is the twin as the configuration describes it.
func (w *planner) standby() discover.Service {
	return discover.Service{Cluster: w.s.Cluster, Name: w.twin, Capacity: failover.OnDemand}
}

// make appends the steps that this service needs.
func (w *planner) make() error {
	if !w.there {
		if err := w.makeTwin(); err != nil {
			return err
		}
	}
	if w.s.Capacity != failover.Spot {
		held := w.s.Scaled && w.s.Desired > 0 && !aws.ToBool(w.s.Suspended.DynamicScalingInSuspended)
		if held {
			w.holdScaleIn()
		}
		if w.s.Desired > 0 {
			w.coverUp()
		}
		w.move()
		if w.s.Desired > 0 {
			w.giveBack(held)
		}
		if held {
			w.resumeScaleIn()
		}
	}
	w.guard()
	return nil
}

// add appends a step that leaves the counts as given.
func (w *planner) add(s Step, after Counts) {
	s.Before, s.After, s.USDPerHour = w.now, after, w.usd(after)
	for _, list := range [][]string{s.Commands, s.Undo} {
		for i := range list {
			list[i] = inRegion(list[i], w.view.found.Region)
		}
	}
	w.now = after
	w.steps = append(w.steps, s)
}

// inRegion names the region in a command of the AWS CLI that does not, as its default may be another one.
func inRegion(command, region string) string {
	at := strings.Index(command, " --")
	if at < 0 || !strings.HasPrefix(command, "aws ") || strings.Contains(command, " --region ") {
		return command
	}
	return command[:at] + " --region " + region + command[at:]
}

// usd is what tasks cost for an hour; nil: not known.
func (w *planner) usd(c Counts) *float64 {
	if !w.known {
		return nil
	}
	return c.usd(w.od, w.sp)
}

func (w *planner) makeTwin() error {
	command, err := w.s.Command(w.view.found.Region, w.twin)
	if err != nil {
		return fmt.Errorf("plan %s: %w", w.s.Name, err)
	}
	w.add(Step{Name: StepTwin, Does: "make the on-demand twin " + w.twin + " with no task: everything of " + w.s.Name + " but its capacity, count and zone rebalancing",
		Commands: []string{command}, Undo: []string{"aws ecs delete-service --cluster " + w.cluster + " --service " + wording.Shell(w.twin)}}, w.now)
	return nil
}

// suspended is the command that leaves auto scaling as it is, but for scale-in.
func (w *planner) suspended(in bool) string {
	own := &w.s.Suspended
	return fmt.Sprintf("aws application-autoscaling register-scalable-target --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id %s "+
		"--suspended-state DynamicScalingInSuspended=%t,DynamicScalingOutSuspended=%t,ScheduledScalingSuspended=%t",
		wording.Shell(w.s.ScalableTarget()), in, aws.ToBool(own.DynamicScalingOutSuspended), aws.ToBool(own.ScheduledScalingSuspended))
}

func (w *planner) holdScaleIn() {
	w.add(Step{Name: StepHold, Does: "suspend scale-in of " + w.s.Name + ": with cover beside it its load halves, and auto scaling would take tasks away",
		Commands: []string{w.suspended(true)}, Undo: []string{w.suspended(false)}}, w.now)
}

func (w *planner) resumeScaleIn() {
	w.add(Step{Name: StepResume, Does: "let auto scaling of " + w.s.Name + " scale in again", Commands: []string{w.suspended(false)}, Undo: []string{w.suspended(true)}}, w.now)
}

func (w *planner) count(n int) string {
	return "aws ecs update-service --cluster " + w.cluster + " --service " + wording.Shell(w.twin) + " --desired-count " + strconv.Itoa(n)
}

// serving are the commands that wait until the tasks of a service are in service.
func (w *planner) serving(service string) []string {
	out := []string{"aws ecs wait services-stable --cluster " + w.cluster + " --services " + wording.Shell(service)}
	if twin.Shifts(w.s.Live.Service) { // a group may have no target then
		return out
	}
	for _, b := range w.s.Live.Service.LoadBalancers {
		if arn := aws.ToString(b.TargetGroupArn); arn != "" {
			out = append(out, "aws elbv2 wait target-in-service --target-group-arn "+wording.Shell(arn))
		}
	}
	return out
}

func (w *planner) coverUp() {
	n, after := w.s.Desired, w.now
	after.Twin = n
	w.add(Step{Name: StepCover, Does: "start " + wording.Count(n, "task") + " of cover in " + w.twin, Commands: append([]string{w.count(n)}, w.serving(w.twin)...),
		Wait: w.inService(n, w.twin), Undo: []string{w.count(0)}}, after)
}

// inService is the condition that so many tasks of a service are in service.
func (w *planner) inService(n int, service string) string {
	how := "RUNNING"
	if len(w.s.Live.Service.LoadBalancers) > 0 {
		how = "healthy in the target group"
	} else if w.s.Definition != nil && checked(w.s.Definition) {
		how = "HEALTHY by their container health checks"
	}
	return fmt.Sprintf("%s of %s %s in service: %s", wording.Count(n, "task"), service, wording.Verb(n, "is", "are"), how)
}

func (w *planner) move() {
	update := "aws ecs update-service --cluster " + w.cluster + " --service " + w.service + " --force-new-deployment --capacity-provider-strategy "
	back := "'[]'" // the launch type
	if items := w.s.Live.Service.CapacityProviderStrategy; len(items) > 0 {
		all := make([]string, len(items))
		for i, item := range items {
			all[i] = fmt.Sprintf("capacityProvider=%s,weight=%d,base=%d", aws.ToString(item.CapacityProvider), item.Weight, item.Base)
		}
		back = strings.Join(all, " ")
	}
	after := w.now
	after.OnDemand, after.Spot = 0, w.s.Desired
	does := "make " + w.s.Name + " FARGATE_SPOT alone; ECS replaces its tasks"
	if w.s.Desired > 0 {
		does += ", and the cover serves whatever Spot cannot hold"
	}
	step := Step{Name: StepMove, Does: does, Commands: []string{update + "capacityProvider=FARGATE_SPOT,weight=1"}, Undo: []string{update + back}}
	if w.s.Desired > 0 {
		step.Commands = append(step.Commands, w.serving(w.s.Name)...)
		step.Wait = w.inService(w.s.Desired, w.s.Name)
		step.Undo = append(step.Undo, w.serving(w.s.Name)...)
	}
	w.add(step, after)
}

func (w *planner) giveBack(held bool) {
	after := w.now
	after.Twin = 0
	wait := ""
	if held {
		wait = "the tasks of " + w.twin + " have stopped, and for five minutes more: auto scaling acts on what its metrics were"
	}
	w.add(Step{Name: StepGive, Wait: wait, Does: "give the cover back; where Spot holds fewer than " + strconv.Itoa(w.s.Desired) + ", leave as many as are missing", Commands: []string{w.count(0)},
		Undo: append([]string{w.count(w.s.Desired)}, w.serving(w.twin)...)}, after)
}

func (w *planner) guard() {
	w.add(Step{Name: StepGuard, Does: "add the workload to the configuration, with the preset observe; nothing covers what Spot takes until it is fill",
		Commands: []string{"backstop config validate", "backstop doctor", "backstop run"},
		Undo:     []string{"take the workload out of the configuration, then: backstop release " + wording.Shell(discover.WorkloadOf(w.s.Name))}}, w.now)
}
