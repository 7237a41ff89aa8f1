package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/backstop-ecs/backstop/internal/ledger"
)

// Refusal is why a run does not begin; nothing was made.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

// vCPU quotas of Fargate (Service Quotas, service code fargate), and the share of them that a run may use.
const (
	quotaOnDemand = "L-3032A538"
	quotaSpot     = "L-36FBB829"
	quotaShare    = 0.5
)

// afterCancel bounds the cleaning after a run that was interrupted.
const afterCancel = 15 * time.Minute

// Run carries the experiments out and takes everything away again, also when it fails or ctx ends. The report has what was observed until
// then. Error: a *[Refusal] if nothing was made.
func Run(ctx context.Context, o Options, id string) (Report, error) {
	l, r, err := begin(ctx, o, id)
	if err != nil {
		return r, err
	}
	r.Rows = ledger.Judge(l.seen)
	if err := o.Save(r); err != nil { // before anything is made
		return Report{}, err
	}
	err = l.experiment(ctx, &r)
	if err != nil {
		l.o.Say("stopped: " + redacted(err.Error()))
	}
	if o.Share != nil && len(l.raw) > 0 {
		err = errors.Join(err, o.Share(ledger.Corpus(l.raw)))
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterCancel)
	defer cancel()
	if _, failed := l.clean(last); failed != nil {
		err = errors.Join(err, fmt.Errorf("run %s is not cleaned up: %w", id, failed))
	}
	r.Rows = ledger.Judge(l.seen)
	if err == nil {
		r.Ended = l.now().UTC().Truncate(time.Second)
	}
	return r, errors.Join(err, l.o.Save(r))
}

// begin checks what a run may cost and use, before anything is made.
func begin(ctx context.Context, o Options, id string) (*lab, Report, error) {
	if len(o.Experiments) == 0 {
		o.Experiments = Numbers()
	}
	p, err := PlanOf(o.AWS.Region, o.Experiments, o.Private)
	if err != nil {
		return nil, Report{}, err
	}
	if p.Bound.Total > o.MaxUSD {
		return nil, Report{}, &Refusal{fmt.Sprintf("it may cost up to $%.2f, more than --max-usd %g", p.Bound.Total, o.MaxUSD)}
	}
	l, err := identify(ctx, o, id)
	if err != nil {
		return nil, Report{}, err
	}
	for _, code := range []string{quotaOnDemand, quotaSpot} {
		out, err := l.quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("fargate"), QuotaCode: &code})
		if err != nil {
			return nil, Report{}, l.wrap("servicequotas:GetServiceQuota", "read the vCPU quota "+code, err)
		}
		if code == quotaSpot {
			l.spotQuota = aws.ToFloat64(out.Quota.Value)
		}
		if q := aws.ToFloat64(out.Quota.Value); p.Bound.VCPU > quotaShare*q {
			return nil, Report{}, &Refusal{fmt.Sprintf("it needs up to %g vCPU at a time, more than half of the quota %s (%g)", p.Bound.VCPU, code, q)}
		}
	}
	return l, Report{Version: reportVersion, Run: id, Region: o.AWS.Region, Started: l.begun.UTC(), BoundUSD: p.Bound.Total}, nil
}

// experiment makes what the experiments need and carries them out in turn.
func (l *lab) experiment(ctx context.Context, r *Report) error {
	l.o.Say("setting the dead man's switch: it acts at " + l.switchAt.UTC().Format("15:04 UTC"))
	if err := l.arm(ctx); err != nil {
		return err
	}
	if err := l.furnish(ctx); err != nil {
		return err
	}
	l.o.Say("proving that the switch acts")
	if err := l.prove(ctx); err != nil {
		return err
	}
	for i := range experiments {
		e := &experiments[i]
		if !slices.Contains(l.o.Experiments, e.number) {
			continue
		}
		note, err := l.perform(ctx, e)
		r.Experiments = append(r.Experiments, Performed{e.number, e.name, note, l.said[e.number]})
		if err != nil {
			return err
		}
		l.newServices()
		r.Rows = ledger.Judge(l.seen)
		if err := l.o.Save(*r); err != nil {
			return err
		}
	}
	return nil
}

// newServices keeps how long new services could not be found.
func (l *lab) newServices() {
	if len(l.lags) > 0 {
		l.seen.Set("A73", "longest time for which DescribeServices said MISSING of a new service", slices.Max(l.lags), len(l.lags))
	}
}

// perform carries one experiment out within its time, if that ends before the switch acts, and stops its tasks. The note says why not to
// its end.
func (l *lab) perform(ctx context.Context, e *experiment) (note string, err error) {
	if end := l.now().Add(e.limit()); end.After(l.switchAt) {
		return "the dead man's switch would act before its end", nil
	}
	l.o.Say(fmt.Sprintf("experiment %d (%s): %s; at most %d minutes", e.number, e.name, e.does, int(e.limit().Minutes())))
	run := map[int]func(context.Context, time.Time) error{10: l.reads, 1: l.startUp, 2: l.scaleIn, 5: l.badImage, 3: l.shortage, 6: l.deployments, 8: l.scaled, 4: l.fish, 7: l.draining}[e.number]
	err = run(ctx, l.now().Add(e.limit()-stopsWithin))
	var skipped *skippedError
	if errors.Is(err, errLate) || errors.As(err, &skipped) {
		note, err = err.Error(), nil
	}
	if err != nil {
		return redacted(err.Error()), err
	}
	for _, service := range services {
		if service == serviceProof || !l.made[service] {
			continue
		}
		if _, err := l.empty(ctx, service); err != nil {
			return "its tasks did not stop in time", err
		}
	}
	clear(l.made)
	return note, nil
}
