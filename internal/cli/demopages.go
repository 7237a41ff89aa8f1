package cli

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// openPages serves the dashboard of a demo, if it is wanted.
func (v *demoView) openPages(ctx context.Context, d *demo.Demo) (*served, error) {
	if v.o.http == "" {
		return &served{}, nil
	}
	all := d.Workloads()
	prices := func(name string) dashboard.Prices { return pricesOf(d.Config(), all, name) }
	apply := func(ctx context.Context, _ string, in failover.Intent) error {
		if !v.over.Load() {
			return &control.RefusedError{Err: errNotOver}
		}
		_, err := control.Intend(ctx, d.Store(), all[0], owner(), in, d.Now)
		return err
	}
	source := dashboard.StoreSource(d.Store(), all, prices, apply)
	source.Now = d.Now // the daemon that is watched lives in this time, too
	o := dashboard.Options{Source: source, ReadOnly: !v.o.serve, Listen: v.o.http, Now: d.Now,
		Token: v.s.Env(dashboardTokenEnv), Title: "demo", Note: "Everything here is simulated, the time too; prices are the list's."}
	if v.o.serve && o.Token == "" {
		o.Token = rand.Text()
		_, _ = fmt.Fprintf(v.s.Err, "The token for orders, made up for this run: %s\n", o.Token)
	}
	pages, err := dashboard.New(o)
	if err != nil {
		return nil, usageError("%w", err)
	}
	at, err := listen(ctx, v.o.http, pages)
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(v.s.Err, "The dashboard is at %s.\n", at.url)
	return at, nil
}
