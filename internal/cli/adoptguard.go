package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/backstop-ecs/backstop/internal/adopt"
	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// standing is what a configuration guards already. A guard that acts would lower the cover of an adoption, as nothing needs it, or raise the twin
// of a service whose adoption is undone.
type standing struct {
	s         IO
	store     control.Store
	workloads []control.Workload
}

// guardOf looks for a guard by its configuration. Nil: there is none here, or it has never run.
func (o *adoptOptions) guardOf(ctx context.Context, s IO, region string) (*standing, error) {
	f, err := os.Stat(o.config)
	switch { // the shell has made an empty one for what adopt prints
	case o.config == configDefault && errors.Is(err, fs.ErrNotExist), err == nil && f.Mode().IsRegular() && f.Size() == 0:
		return nil, nil
	}
	file, err := readConfig(ctx, s, o.config, false)
	if err != nil {
		return nil, err
	}
	workloads, err := app.Workloads(file, region)
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, file, reading)
	if err != nil || store == nil {
		return nil, err
	}
	return &standing{s, store, workloads}, nil
}

func (g *standing) close() {
	if g != nil {
		_ = g.store.Close()
	}
}

// of are the workloads that have one of two services.
func (g *standing) of(m *adopt.Member, region string) []control.Workload {
	var out []control.Workload
	for i := range g.workloads {
		if slices.ContainsFunc(g.workloads[i].Refs, func(r control.ServiceRef) bool {
			return r.Region == region && r.Cluster == m.Cluster && (r.Service == m.Service || r.Service == m.Twin)
		}) {
			out = append(out, g.workloads[i])
		}
	}
	return out
}

// around runs an adoption or its undo while the guard of its service is paused by an order. The order is in force before anything is changed: it is
// recorded between two passes, and each pass reads it. Afterwards an adopted service is guarded on; one that was undone stays paused.
func (g *standing) around(ctx context.Context, region string, m *adopt.Member, run func() error) error {
	if g == nil {
		return run()
	}
	var ours []control.Workload
	order := func(w control.Workload, in failover.Intent) error {
		in.By, in.Note, in.At = owner(), "backstop adopt "+m.Service, g.s.Now().UTC()
		_, err := control.Intend(ctx, g.store, w, owner(), in, g.s.Now)
		return err
	}
	for _, w := range g.of(m, region) {
		records, err := g.store.Load(ctx, []string{w.Name})
		if err != nil {
			return fmt.Errorf("pause %s: %w", w.Name, err)
		}
		if records[w.Name].State.Pause != nil {
			continue
		}
		if err := order(w, failover.Intent{Kind: failover.IntentPause}); err != nil {
			return fmt.Errorf("pause %s: %w", w.Name, err)
		}
		say(g.s.Err, "%s: the guard of workload %s is paused meanwhile", m.Service, w.Name)
		ours = append(ours, w)
	}
	err := run()
	for _, w := range ours {
		switch {
		case err != nil:
			say(g.s.Err, "%s: workload %s stays paused; when it is to be guarded as it is: backstop resume %s", m.Service, w.Name, w.Name)
		case m.Turn == adopt.ToUndo:
			say(g.s.Err, "%s: workload %s stays paused, as its twin is gone: take it out of the configuration", m.Service, w.Name)
		default:
			if err := order(w, failover.Intent{Kind: failover.IntentResume}); err != nil {
				return fmt.Errorf("resume %s: %w", w.Name, err)
			}
		}
	}
	return err
}
