package function

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// What Terraform asks the function (terraform/alias.tf), as the payload's "backstop".
const (
	// askCheck: can this version guard? It is asked of a new version before the alias moves to it.
	askCheck = "check"
	// askDestroy: may the installation be destroyed? Terraform says in "tf" whether that is what it is about to do.
	askDestroy = "destroy"
)

const (
	// permitWait is how long permissions that are refused are waited for: those of a role that was just made or changed take
	// seconds to hold everywhere. permitEvery is between two tries.
	permitWait  = 30 * time.Second
	permitEvery = 3 * time.Second
	// namesMax is how many workloads an answer names.
	namesMax = 10
)

// question is a payload that asks for something else than a pass.
type question struct {
	Backstop string `json:"backstop"`
	// Protected: the state table cannot be deleted.
	Protected bool `json:"protected"`
	// TF is what the resource aws_lambda_invocation adds with its life cycle.
	TF struct {
		Action string `json:"action"`
	} `json:"tf"`
}

// Answer is the answer to a question of Terraform. An answer that is no is an error of the invocation.
type Answer struct {
	OK bool `json:"ok"`
	// Workloads and Services are how many are guarded.
	Workloads int `json:"workloads"`
	Services  int `json:"services"`
	// Unread are services that could not be read for a reason that may pass, or that are not there (yet).
	Unread []string `json:"unread"`
}

// answer answers a question. It changes nothing, and leaves no sign of life.
func (f *Function) answer(ctx context.Context, q *question) ([]byte, error) {
	var a Answer
	var err error
	switch q.Backstop {
	case askCheck:
		a, err = f.check(ctx)
	case askDestroy:
		err = f.mayDestroy(ctx, q)
	default:
		return nil, fmt.Errorf("read payload: %q is no question; %s and %s are", q.Backstop, askCheck, askDestroy)
	}
	if err != nil {
		return nil, err
	}
	a.OK = true
	return json.Marshal(a)
}

// check reads what a pass reads first: every state and every service. A state that this version cannot read, or a permission that is
// missing for longer than a new one takes to hold, is an error; a service that is not there is none, as one apply may make both.
func (f *Function) check(ctx context.Context) (Answer, error) {
	end := time.Now().Add(f.ours(permitWait))
	for {
		a, err := f.tryCheck(ctx)
		if err == nil || !denied(err) || time.Now().After(end) || !control.Wait(ctx, f.ours(permitEvery)) {
			return a, err
		}
	}
}

func (f *Function) tryCheck(ctx context.Context) (Answer, error) {
	if _, err := f.loop.Store.Load(ctx, f.guard.Names); err != nil {
		return Answer{}, fmt.Errorf("read state: %w%s", err, hint(err))
	}
	a := Answer{Workloads: len(f.loop.Workloads), Unread: []string{}}
	for _, l := range f.looks(ctx) {
		a.Services++
		switch l.obs.Err {
		case failover.ErrNone:
		case failover.ErrDenied:
			return Answer{}, &deniedError{fmt.Sprintf("describe service %s: %s", l.ref, l.obs.ErrText)}
		default:
			a.Unread = append(a.Unread, l.ref.String())
		}
	}
	return a, nil
}

// deniedError is a permission that is missing.
type deniedError struct{ text string }

func (e *deniedError) Error() string { return e.text }

func denied(err error) bool {
	var kinded control.KindedError
	var refused *deniedError
	return errors.As(err, &refused) || errors.As(err, &kinded) && kinded.Kind() == failover.ErrDenied
}

// ours is a time of AWS's as the clock of this process runs: shorter in a sandbox.
func (f *Function) ours(d time.Duration) time.Duration {
	return time.Duration(float64(d) / max(f.loop.Scale, 1))
}

// look is one pool of one workload, as its service shows it.
type look struct {
	workload string
	pool     *failover.Pool
	ref      control.ServiceRef
	obs      failover.PoolObservation
}

// looks reads the services of all workloads.
func (f *Function) looks(ctx context.Context) []look {
	var all []look
	var refs []control.ServiceRef
	for i := range f.loop.Workloads {
		w := &f.loop.Workloads[i]
		for k := range w.Refs {
			all, refs = append(all, look{workload: w.Name, pool: &w.Policy.Pools[k], ref: w.Refs[k]}), append(refs, w.Refs[k])
		}
	}
	_, obs := f.loop.Services.Describe(ctx, refs, control.Worth{})
	for i := range all {
		all[i].obs = obs[i]
	}
	return all
}

// mayDestroy refuses while something would be left behind: on-demand tasks that nobody gives back, a count that is held down, a table
// that cannot be deleted.
func (f *Function) mayDestroy(ctx context.Context, q *question) error {
	if q.TF.Action != "delete" {
		return nil
	}
	if q.Protected {
		return errors.New("nothing was destroyed: deletion_protection is on; set it to false and apply first")
	}
	spot, cover := map[string]bool{}, map[string]bool{}
	var held, unread []string
	why := "" // of the first that is unread
	for _, l := range f.looks(ctx) {
		switch o := &l.obs; {
		case o.Gone != "":
		case o.Err != failover.ErrNone:
			unread, why = append(unread, l.workload), cmp.Or(why, o.ErrText)
		case o.HeldDemand > 0:
			held = append(held, l.workload)
		case o.Desired == 0:
		case l.pool.Capacity == failover.Spot:
			spot[l.workload] = true
		default:
			cover[l.workload] = true
		}
	}
	for name := range cover { // on demand alone: where somebody left it (release --to on-demand)
		if spot[name] {
			held = append(held, name)
		}
	}
	if len(unread) > 0 {
		return fmt.Errorf("nothing was destroyed: it cannot be read whether on-demand stands in for Spot in %s: %s; try again, or where it can never be read again take the question out (docs/operations.md, \"Uninstall\")", named(unread), why)
	}
	if len(held) > 0 {
		return fmt.Errorf("nothing was destroyed: on-demand stands in for Spot, or a count is held down, in %s; set observe = true and apply, then run: backstop release --all", named(held))
	}
	return nil
}

// named lists the first few names, each once.
func named(all []string) string {
	slices.Sort(all)
	all = slices.Compact(all)
	text := strings.Join(all[:min(len(all), namesMax)], ", ")
	if n := len(all) - namesMax; n > 0 {
		text += ", and " + wording.Count(n, "other")
	}
	return text
}
