package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/roster"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// releaseEvery is how long to wait between two looks, releaseFor how long release tries unless told otherwise.
	releaseEvery = 5 * time.Second
	releaseFor   = 30 * time.Minute
	toSpot       = "spot"
	toOnDemand   = "on-demand"
)

type releaseOptions struct {
	path      string
	workloads []string
	all       bool
	to        string
	timeout   time.Duration
	yes       bool
	every     time.Duration
}

func newReleaseCommand(s IO) *cobra.Command { return newRelease(s, runRelease) }

func newRelease(s IO, run func(context.Context, IO, releaseOptions) error) *cobra.Command {
	o := releaseOptions{every: releaseEvery}
	cmd := &cobra.Command{
		Use:   "release WORKLOAD... | --all",
		Short: "Give a workload back: no cover, its own count, its own auto scaling",
		Long: "Release undoes what Backstop holds of a workload: orders end, a count that was held down goes up again, cover is given back as Spot tasks come into service, and " +
			"auto scaling gets its own bounds back. Nothing is given back that is needed: where Spot has no room the cover stays, and release says how much. With --to on-demand " +
			"the workload is left whole on its on-demand services instead, and Spot at 0. It deletes no service and changes no strategy. Workloads that are configured no more are " +
			"released by the services that they last had. A workload that stays in the configuration of a guard that runs is guarded on: remove it there first.",
		Example:           "backstop release web\nbackstop release --all --yes\nbackstop release web --to on-demand",
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.workloads = args
			switch {
			case o.all == (len(args) > 0):
				return usageError("release: name the workloads, or say --all")
			case o.timeout <= 0:
				return usageError("--timeout %s: must be above 0", o.timeout)
			}
			return run(cmd.Context(), s, o)
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "every workload of the configuration, and what was left of those that are configured no more")
	releaseFlags(cmd, s, &o)
	return cmd
}

// releaseFlags are those that release and uninstall share.
func releaseFlags(cmd *cobra.Command, s IO, o *releaseOptions) {
	configFlag(cmd, s, &o.path)
	choiceFlag(cmd, &o.to, "to", "", toSpot, []string{toSpot, toOnDemand}, "where the workload is left")
	cmd.Flags().DurationVar(&o.timeout, "timeout", releaseFor, "how long to wait for tasks to come into service")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do it without asking; needed without a terminal")
}

func runRelease(ctx context.Context, s IO, o releaseOptions) error {
	file, err := readConfig(ctx, s, o.path, true)
	if err != nil {
		return err
	}
	cfg, err := loadFor(ctx, file)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, file, writing)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	workloads, err := toRelease(ctx, store, file, cfg.Region, &o)
	if err != nil {
		return err
	}
	if err := sayWhatGuards(ctx, s, store, file, workloads); err != nil {
		return err
	}
	if err := o.confirm(s, workloads); err != nil {
		return err
	}
	services := service.New(cfg, service.Options{NoEvents: true, Installation: parts.Installation(file, cfg.Region)})
	var failed []error
	for i := range workloads {
		if err := o.release(ctx, s, store, services, workloads[i]); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// toRelease finds the workloads, the configured ones first.
func toRelease(ctx context.Context, store control.Store, file *config.File, region string, o *releaseOptions) ([]control.Workload, error) {
	guarded, err := app.Workloads(file, region)
	if err != nil {
		return nil, err
	}
	entries, err := roster.Read(ctx, store)
	if err != nil {
		return nil, err
	}
	known := guarded
	for i := range entries {
		if e := &entries[i]; !e.Gone.IsZero() && !slices.ContainsFunc(known, func(w control.Workload) bool { return w.Name == e.Workload }) {
			known = append(known, workloadOf(e))
		}
	}
	if o.all {
		return known, nil
	}
	var out []control.Workload
	for _, name := range o.workloads {
		k := slices.IndexFunc(known, func(w control.Workload) bool { return w.Name == name })
		if k < 0 {
			names := make([]string, len(known))
			for i := range known {
				names[i] = known[i].Name
			}
			return nil, usageError("no workload %q is configured in %s, and nothing is left of one; there are: %s", name, file.Name, wording.Near(name, names))
		}
		out = append(out, known[k])
	}
	return out, nil
}

// workloadOf is a workload that is configured no more, as it last was.
func workloadOf(e *roster.Entry) control.Workload {
	w := control.Workload{Name: e.Workload}
	for i, p := range e.Pools {
		w.Policy.Pools = append(w.Policy.Pools, failover.Pool{Name: p.Name, Capacity: p.Capacity, Tier: i})
		w.Refs = append(w.Refs, p.Ref)
	}
	return w
}

func (o *releaseOptions) confirm(s IO, workloads []control.Workload) error {
	for i := range workloads {
		say(s.Err, "%s: release to %s", workloads[i].Name, o.to)
	}
	return confirmed(s, "release", o.yes)
}

// confirmed asks whether a command is to do what it has said, unless that was answered with --yes.
func confirmed(s IO, command string, yes bool) error {
	if yes {
		return nil
	}
	if !s.InTerminal || !s.ErrTerminal {
		return refuse("%s: not a terminal: confirm with --yes", command)
	}
	_, _ = fmt.Fprint(s.Err, "Do it? [y/N] ")
	line, _ := bufio.NewReader(s.In).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return refuse("%s: not done", command)
	}
	return nil
}

// policyOf is what a workload is released by: the plain rule, which holds nothing down and gives back what is not needed.
func (o *releaseOptions) policyOf(w *control.Workload) failover.Policy {
	p, _ := failover.Preset(failover.PresetFill)
	p.Pools, p.Owner, p.Demand = slices.Clone(w.Policy.Pools), w.Policy.Owner, w.Policy.Demand
	p.ReadyAfter, p.ReadyLimit, p.StartLimit = w.Policy.ReadyAfter, cmp.Or(w.Policy.ReadyLimit, p.ReadyLimit), cmp.Or(w.Policy.StartLimit, p.StartLimit)
	for i := range p.Pools {
		p.Pools[i].Min = 0
	}
	return p
}

// release carries one workload through passes until nothing is held of it.
func (o *releaseOptions) release(ctx context.Context, s IO, store control.Store, services control.Services, w control.Workload) error {
	w.Policy = o.policyOf(&w)
	if err := o.order(ctx, s, store, w); err != nil {
		return fmt.Errorf("release %s: %w", w.Name, err)
	}
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	loop := &control.Loop{Services: services, Store: store, Workloads: []control.Workload{w}, Owner: owner(), Now: s.Now, Log: slog.New(slog.DiscardHandler)}
	left := "nothing was seen of it"
	for {
		reports, err := loop.Pass(ctx, []string{w.Name}, nil)
		if err != nil {
			return fmt.Errorf("release %s: %w", w.Name, err)
		}
		r := &reports[0]
		for i := range r.Outcomes {
			if a := r.Outcomes[i]; a.Done() {
				say(s.Out, "%s: %s", w.Name, wording.Action(a.Action))
			} else if a.Text != "" {
				say(s.Err, "%s: %s: %s", w.Name, wording.Action(a.Action), a.Text)
			}
		}
		if r.Result.Settled() {
			if left = o.left(r); left == "" {
				break
			}
		} else if r.Err != nil {
			left = r.Err.Error()
		}
		if control.Wait(ctx, o.every) {
			continue
		}
		if whole.Err() != nil {
			return fmt.Errorf("release %s: %w: %s; run it again", w.Name, whole.Err(), left)
		}
		return fmt.Errorf("release %s: not done in %s: %s; run it again, or leave it on on-demand: backstop release %s --to on-demand", w.Name, wording.Span(o.timeout), left, w.Name)
	}
	if err := roster.Forget(ctx, store, w.Name); err != nil {
		return fmt.Errorf("release %s: %w", w.Name, err)
	}
	say(s.Out, "%s: released; nothing of it is held any more", w.Name)
	return nil
}

// order ends what operators have ordered, and pins the workload to on-demand where it is to be left there.
func (o *releaseOptions) order(ctx context.Context, s IO, store control.Store, w control.Workload) error {
	records, err := store.Load(ctx, []string{w.Name})
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	st := records[w.Name].State
	var kinds []failover.Intent
	if st.Pause != nil {
		kinds = append(kinds, failover.Intent{Kind: failover.IntentResume})
	}
	if st.Pin != nil {
		kinds = append(kinds, failover.Intent{Kind: failover.IntentUnpin})
	}
	if slices.ContainsFunc(st.Pools, func(p failover.PoolState) bool { return p.B.Mode == failover.Open }) {
		kinds = append(kinds, failover.Intent{Kind: failover.IntentRestore})
	}
	if o.to == toOnDemand {
		kinds = append(kinds, failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeOnDemand})
	}
	now := s.Now()
	if st.Seen.At.After(now) {
		now = st.Seen.At
	}
	for _, in := range kinds {
		in.By, in.Note, in.At = owner(), "released", now.UTC()
		if _, err := control.Intend(ctx, store, w, owner(), in, s.Now); err != nil {
			return err
		}
	}
	return nil
}

// left says what is still held after a pass; empty: nothing.
func (o *releaseOptions) left(r *control.Report) string {
	d := &r.Decision
	if d.Blind() {
		return "not every service can be read"
	}
	onDemand, spot, missing := 0, 0, 0
	for i := range d.Pools {
		p := &d.Pools[i]
		if p.Capacity == failover.OnDemand {
			onDemand += p.InForce
			missing += max(0, p.InForce-p.InService.Low)
			continue
		}
		spot += p.InForce
	}
	if o.to == toOnDemand {
		if spot > 0 || missing > 0 || onDemand < d.Demand {
			return fmt.Sprintf("%d of %d are in service on on-demand, Spot is still asked for %d", onDemand-missing, d.Demand, spot)
		}
		return underWay(d)
	}
	for i := range r.After.Pools {
		if r.After.Pools[i].Parked != nil {
			return "auto scaling of " + r.After.Pools[i].Name + " is suspended yet"
		}
	}
	if onDemand > 0 {
		return fmt.Sprintf("%s needed, as Spot has %s of %d in service", wording.Count(onDemand, "on-demand task")+" "+wording.Verb(onDemand, "is", "are"), spotServing(d), d.Demand)
	}
	return underWay(d)
}

// underWay reports changes that the pass has made: the next one looks at what became of them.
func underWay(d *failover.Decision) string {
	if d.Acts() {
		return "changes are under way"
	}
	return ""
}

// spotServing is what serves on Spot.
func spotServing(d *failover.Decision) string {
	var in failover.Range
	for i := range d.Pools {
		if d.Pools[i].Capacity == failover.Spot {
			in.Low, in.High = in.Low+d.Pools[i].InService.Low, in.High+d.Pools[i].InService.High
		}
	}
	return in.String()
}
