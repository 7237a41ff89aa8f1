package adopt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/clock"
	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/twin"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Application carries out a plan, or its undo. Each step is chosen by what AWS shows, so that one that was killed goes on where it was.
type Application struct {
	AWS     aws.Config
	Service *discover.Service
	Twin    string
	// Say is told of each step and of what is waited for. Wait lets time go by between two looks, by a clock that goes so many times as fast as ours, as a
	// sandbox's may; its error ends the application.
	Say  func(text string)
	Wait func(ctx context.Context, speed float64) error
	// Scale multiplies the rate limits of reads; 0: the speed of AWS's clock.
	Scale float64
}

// applier is an application that runs.
type applier struct {
	a        Application
	ecs      *ecs.Client
	scaling  *applicationautoscaling.Client
	services control.Services // by the speed that the first look has seen
}

// metricsFor is how long scale-in stays held after the twin has run its last task: its alarm is up by then, as twice the tasks had half the load each, and
// would take tasks away at once. Metrics of ECS are a minute's mean, and come up to three minutes late.
const metricsFor = 5 * time.Minute

// errRolledBack ends an application whose move ECS took back.
var errRolledBack = errors.New("ECS rolled the move back, as it does where a deployment circuit breaker counts tasks that Spot cannot place; the cover stays in service: run it again when Spot has room, or --undo")

// missesMax is how many looks or steps in a row may fail for a reason that may pass, as when AWS does not answer: a minute or more, as each is tried several
// times. What runs is safe meanwhile.
const missesMax = 12

// Run carries the plan out, or with back its undo.
func (a Application) Run(ctx context.Context, back bool) error {
	w := &applier{a: a, ecs: ecs.NewFromConfig(a.AWS), scaling: applicationautoscaling.NewFromConfig(a.AWS)}
	p := progress{choose: next, asked: -1, speed: 1}
	if back {
		p.choose = undo
	}
	for misses := 0; ; {
		done, err := p.step(ctx, w, back)
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			misses = 0
		case ctx.Err() == nil && passing(err) && misses < missesMax:
			misses++
			a.Say("trying again, as it failed: " + err.Error())
		case ctx.Err() != nil || passing(err):
			return fmt.Errorf("%w; started again, it goes on", err)
		default:
			return err
		}
		if err := a.Wait(ctx, p.speed); err != nil {
			return fmt.Errorf("adopt %s: not done: %s: %w; started again, it goes on", a.Service.Name, cmp.Or(p.said, "no look at it has succeeded"), err)
		}
	}
}

// passing reports whether what failed may go well a little later.
func passing(err error) bool {
	kinded, ok := errors.AsType[interface {
		error
		Kind() failover.ErrorKind
	}](err)
	return ok && control.Passing(kinded.Kind())
}

// unseen is a service that could not be looked at.
type unseen struct {
	text string
	kind failover.ErrorKind
}

func (e *unseen) Error() string            { return e.text }
func (e *unseen) Kind() failover.ErrorKind { return e.kind }

// progress is what an application remembers between two looks. None of it is needed to go on.
type progress struct {
	choose func(*scene) move
	said   string
	moved  bool      // the move was asked for
	seen   bool      // and was in force at a look
	since  time.Time // the twin runs nothing
	asked  int       // of the twin; -1: not known
	shown  bool      // what was asked of the twin
	speed  float64   // of AWS's clock
	ending bool      // the last step of an undo was tried
}

// step looks, and does what comes next. done is true where nothing is left.
func (p *progress) step(ctx context.Context, w *applier, back bool) (done bool, err error) {
	s, err := w.look(ctx)
	if err != nil {
		return false, err
	}
	p.speed = s.speed
	if back && s.record == nil {
		if p.ending { // its answer was lost
			return true, nil
		}
		what, fix := "its twin "+w.a.Twin+" has no tag "+TagKey+": nothing is known of what was before", "backstop adopt "+wording.Shell(w.a.Service.Name)
		if !s.there {
			what, fix = "it has no twin "+w.a.Twin, "backstop adopt --list   # which services have a twin"
		}
		return false, &RefusedError{Service: w.a.Service.Name, Obstacles: []Obstacle{{Blocks, "not adopted", what, fix}}, Undo: true}
	}
	switch {
	case s.twin.running > 0:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = s.at
	}
	s.metrics = metricsFor
	if !p.since.IsZero() {
		s.metrics -= s.at.Sub(p.since)
	}
	if s.record != nil && p.asked < 0 {
		p.asked = s.twin.desired
	}
	if p.asked > 0 && s.twin.desired < p.asked && p.shown {
		return false, w.lowered(ctx, s, p.asked)
	}
	p.shown = s.twin.desired >= p.asked
	m := p.choose(s)
	p.seen = p.seen || p.moved && m.act != actMove
	switch {
	case m.act == actNone:
		return true, nil
	case m.act == actMove && p.moved && p.seen:
		return false, errRolledBack
	case m.act == actMove && p.moved: // not shown yet
	case m.act == actWait:
		if m.text != p.said {
			w.a.Say("waiting for " + m.text)
		}
	default:
		w.a.Say(m.text)
		p.ending = m.act == actDelete || m.act == actUntag
		if err := w.do(ctx, s, m); err != nil {
			return false, err
		}
	}
	if m.act == actCount {
		p.asked, p.shown = m.count, false
	}
	p.said = m.text
	p.moved = p.moved || m.act == actMove
	return p.ending, nil
}

// lowered puts back the cover that another program took, and ends the application: that program would do it again, in the middle of the move as well.
func (w *applier) lowered(ctx context.Context, s *scene, asked int) error {
	if err := w.do(ctx, s, move{act: actCount, count: asked}); err != nil {
		return err
	}
	return &RefusedError{Service: w.a.Service.Name, Obstacles: []Obstacle{{Blocks, "guarded meanwhile", fmt.Sprintf("another program lowered its twin %s from %d to %d, as a guard does that has it in its configuration; it was raised again", w.a.Twin, asked, s.twin.desired),
		"backstop pause WORKLOAD   # where that guard runs, or name its configuration with --config; then start again"}}}
}

// look reads both services and the scalable target.
func (w *applier) look(ctx context.Context) (*scene, error) {
	sv := w.a.Service
	out, err := w.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &sv.Cluster, Services: []string{sv.Name, w.a.Twin}, Include: []types.ServiceField{types.ServiceFieldTags}})
	if err != nil {
		return nil, failure.Wrap("ecs:DescribeServices", "describe "+sv.Name+" and "+w.a.Twin, err)
	}
	var owner, other *types.Service
	draining := false
	for i := range out.Services {
		switch s := &out.Services[i]; {
		case aws.ToString(s.Status) == "DRAINING" && aws.ToString(s.ServiceName) == w.a.Twin:
			draining = true
		case aws.ToString(s.Status) != "ACTIVE":
		case aws.ToString(s.ServiceName) == sv.Name:
			owner = s
		default:
			other = s
		}
	}
	if owner == nil {
		return nil, fmt.Errorf("adopt %s: the service is not there any more", sv.Name)
	}
	s := &scene{strategy: owner.CapacityProviderStrategy, there: other != nil, draining: draining}
	s.at, s.speed = clock.Of(out.ResultMetadata)
	if s.at.IsZero() { // a proxy took the date off
		s.at = time.Now()
	}
	if s.speed = cmp.Or(s.speed, 1); w.services == nil {
		w.services = service.New(w.a.AWS, service.Options{NoEvents: true, Scale: cmp.Or(w.a.Scale, s.speed)})
	}
	if s.owner, err = w.side(ctx, owner); err != nil {
		return nil, err
	}
	if other != nil {
		if s.twin, err = w.side(ctx, other); err != nil {
			return nil, err
		}
		r, ok, err := readRecord(other.Tags)
		if err != nil {
			return nil, err
		}
		if ok {
			s.record = &r
		}
	}
	target, err := w.services.Scaling(ctx, w.ref(sv.Name))
	if err != nil {
		return nil, err
	}
	s.scaled, s.held = target.Present, target.SuspendedIn
	return s, nil
}

func (w *applier) ref(name string) control.ServiceRef {
	return control.ServiceRef{Region: w.a.AWS.Region, Cluster: w.a.Service.Cluster, Service: name}
}

// side counts the tasks of a service that are in service for certain: RUNNING and, where health checks tell, ready.
func (w *applier) side(ctx context.Context, s *types.Service) (side, error) {
	ref := w.ref(aws.ToString(s.ServiceName))
	out := side{desired: int(s.DesiredCount), running: int(s.RunningCount + s.PendingCount)}
	_, obs := w.services.Describe(ctx, []control.ServiceRef{ref}, control.Worth{Urgency: control.Short})
	if obs[0].Err != failover.ErrNone {
		return side{}, &unseen{fmt.Sprintf("look at %s: %s", ref, obs[0].ErrText), obs[0].Err}
	}
	out.deploying = obs[0].Deploying || len(s.Deployments) > 1
	if out.running == 0 {
		return out, nil
	}
	list, err := w.services.List(ctx, ref, control.Want{Health: true})
	if err != nil {
		return side{}, err
	}
	if list.HealthErr != failover.ErrNone {
		return side{}, &unseen{fmt.Sprintf("look at the health of %s: %s", ref, list.HealthErrText), list.HealthErr}
	}
	for i := range list.Tasks {
		t := &list.Tasks[i]
		if t.Phase == failover.Running && !list.OutOfTraffic && (!list.HealthBased || t.Health == failover.HealthReady) {
			out.inService++
		}
	}
	return out, nil
}

// do carries one step out. Every step is absolute: doing it twice is harmless.
func (w *applier) do(ctx context.Context, s *scene, m move) error {
	sv, name := w.a.Service, w.a.Twin
	switch m.act {
	case actMake:
		r := recordOf(true, sv.Live.Service, &sv.Suspended)
		in := twin.Of(sv.Live, name)
		in.Tags = append(in.Tags, r.tag())
		_, err := w.ecs.CreateService(ctx, in)
		return wrapped("ecs:CreateService", "make "+name, err)
	case actTag:
		r := recordOf(false, sv.Live.Service, &sv.Suspended)
		_, err := w.ecs.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: w.arn(name), Tags: []types.Tag{r.tag()}})
		return wrapped("ecs:TagResource", "tag "+name, err)
	case actUntag:
		_, err := w.ecs.UntagResource(ctx, &ecs.UntagResourceInput{ResourceArn: w.arn(name), TagKeys: []string{TagKey}})
		return wrapped("ecs:UntagResource", "untag "+name, err)
	case actHold:
		return w.suspend(ctx, true, s.record)
	case actScale:
		return w.suspend(ctx, false, s.record)
	case actCount:
		_, err := w.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &sv.Cluster, Service: &name, DesiredCount: aws.Int32(int32(m.count))})
		return wrapped("ecs:UpdateService", "set the desired count of "+name, err)
	case actMove:
		to := append([]types.CapacityProviderStrategyItem{}, m.to...) // an empty list is the launch type
		_, err := w.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &sv.Cluster, Service: &sv.Name, CapacityProviderStrategy: to, ForceNewDeployment: true})
		return wrapped("ecs:UpdateService", "change the capacity of "+sv.Name, err)
	case actDelete:
		_, err := w.ecs.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: &sv.Cluster, Service: &name})
		return wrapped("ecs:DeleteService", "delete "+name, err)
	}
	return fmt.Errorf("adopt %s: %s is not known", sv.Name, m.act)
}

// suspend sets whether scale-in is suspended and leaves the rest as it was.
func (w *applier) suspend(ctx context.Context, in bool, r *Record) error {
	_, err := w.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: scaling.ServiceNamespaceEcs,
		ScalableDimension: scaling.ScalableDimensionECSServiceDesiredCount, ResourceId: aws.String(w.a.Service.ScalableTarget()),
		SuspendedState: &scaling.SuspendedState{DynamicScalingInSuspended: &in, DynamicScalingOutSuspended: &r.Out, ScheduledScalingSuspended: &r.Scheduled}})
	return wrapped("application-autoscaling:RegisterScalableTarget", "suspend scale-in of "+w.a.Service.Name, err)
}

// arn is the ARN of a service beside the one that is adopted.
func (w *applier) arn(name string) *string {
	own := aws.ToString(w.a.Service.Live.Service.ServiceArn)
	return aws.String(own[:len(own)-len(w.a.Service.Name)] + name)
}

func wrapped(action, object string, err error) error {
	if err == nil {
		return nil
	}
	return failure.Wrap(action, object, err)
}
