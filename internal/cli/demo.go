package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/input"
	"github.com/backstop-ecs/backstop/internal/simulate"
	"github.com/backstop-ecs/backstop/internal/term"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	demoTasks    = 200
	demoSeed     = 1
	demoScenario = "day"
	// watchFor is how long a play takes that a person watches, if the machine can keep up.
	watchFor = 40 * time.Second
	speedMax = 1e6
)

type demoOptions struct {
	output   string
	scenario string
	list     bool
	trace    string
	length   time.Duration
	policy   string
	seed     uint64
	tasks    int
	speed    float64
	fast     bool
	plain    bool
	serve    bool
	addr     string
	picture  string
	http     string
	model    string
}

func newDemoCommand(s IO) *cobra.Command { return newDemo(s, runDemo) }

func newDemo(s IO, run func(context.Context, IO, demoOptions) error) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole product on this machine: a simulated AWS, the daemon, a day of Spot trouble",
		Long: "Demo starts a simulated AWS on a loopback socket, guards a workload in it with the real daemon and the real AWS SDK, and plays a scenario of Spot " +
			"trouble in virtual time. On a terminal it draws what happens; in a pipe it prints a line for every decision that changed something. " +
			"Everything is simulated; prices are examples. It needs no network and no AWS account.",
		Example: "backstop demo\nbackstop demo --scenario shortage --policy switch\nbackstop demo --output json | jq .\nbackstop demo --scenario calm --serve --speed 60",
		Args:    atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(s); err != nil {
				return err
			}
			if o.speed == 0 && cmd.Flags().Changed("speed") {
				return usageError("--speed 0: must be above 0 and at most %g", float64(speedMax))
			}
			return run(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	outputFlag(cmd, &o.output)
	choiceFlag(cmd, &o.scenario, "scenario", "s", demoScenario, demo.Names(), "what happens")
	f.BoolVarP(&o.list, "list", "l", false, "list the scenarios and end")
	f.StringVar(&o.trace, "trace", "", "play this capacity trace (CSV) instead of a scenario")
	f.Var(spanValue{&o.length}, "duration", "play only so much of the trace or the scenario")
	choiceFlag(cmd, &o.policy, "policy", "p", failover.PresetFill, failover.PresetNames(), "the policy's preset")
	f.Uint64Var(&o.seed, "seed", demoSeed, "seed of everything random; the same seed gives the same play")
	f.IntVarP(&o.tasks, "tasks", "n", demoTasks, fmt.Sprintf("tasks wanted, 1 to %d", demo.TasksMax))
	f.Float64Var(&o.speed, "speed", 0, "virtual seconds in a real one; without it about 40 seconds on a terminal and as fast as it goes in a pipe")
	f.BoolVar(&o.fast, "fast", false, "as fast as it goes, on a terminal too")
	f.BoolVar(&o.plain, "plain", false, "lines instead of the live view, on a terminal too")
	f.BoolVar(&o.serve, "serve", false, "go on after the scenario, at --speed (1 without it), for the AWS CLI and the other commands")
	f.StringVar(&o.addr, "addr", "127.0.0.1:0", "loopback address of the simulated AWS; port 0 picks one")
	f.StringVar(&o.picture, "picture", "", "write a picture of the play to this file (SVG)")
	f.StringVar(&o.http, "http", "", "also serve the dashboard on this address (127.0.0.1:7078), until Ctrl-C; orders are taken after the scenario, with --serve")
	modelFlag(cmd, &o.model)
	exclusive(cmd, "trace", "scenario")
	exclusive(cmd, "fast", "speed")
	_ = cmd.MarkFlagFilename("trace", "csv")
	return cmd
}

func (o *demoOptions) check(s IO) error {
	switch {
	case o.tasks < 1 || o.tasks > demo.TasksMax:
		return usageError("--tasks %d: must be 1 to %d", o.tasks, demo.TasksMax)
	case !(o.speed >= 0 && o.speed <= speedMax): // so that NaN is refused
		return usageError("--speed %v: must be above 0 and at most %g", o.speed, float64(speedMax))
	case o.length < 0:
		return usageError("--duration %s: must be above 0", o.length)
	}
	if err := checkAddress("addr", o.addr); err != nil {
		return err
	}
	if !dashboard.Loopback(o.addr) {
		return usageError("--addr %s: must be a loopback address", o.addr)
	}
	if o.http == "" {
		return nil
	}
	return checkPages(s, o.http, o.serve)
}

// play returns the scenario that the options name.
func (o *demoOptions) play(ctx context.Context) (demo.Scenario, error) {
	if o.trace == "" {
		sc, err := demo.Find(o.scenario, o.tasks)
		if err == nil && o.length > 0 {
			sc.Length = min(sc.Length, o.length)
		}
		return sc, err
	}
	t, err := simulate.ReadTrace(ctx, o.trace)
	switch {
	case ctx.Err() != nil:
		return demo.Scenario{}, ctx.Err()
	case input.NotOpened(err):
		return demo.Scenario{}, usageError("--trace: %w", err)
	case err != nil:
		return demo.Scenario{}, &exitError{ExitUsage, err}
	}
	sc, err := demo.Replay(t, o.length)
	if err != nil {
		return sc, &exitError{ExitUsage, err}
	}
	return sc, nil
}

func runDemo(ctx context.Context, s IO, o demoOptions) error {
	if o.list {
		return listScenarios(s, o)
	}
	sc, err := o.play(ctx)
	if err != nil {
		return err
	}
	live := s.OutTerminal && o.output == outputText && !o.plain
	speed := o.speed
	if live && speed == 0 && !o.fast {
		speed = sc.Length.Seconds() / watchFor.Seconds()
	}
	model, err := readModel(o.model)
	if err != nil {
		return err
	}
	if o.picture != "" { // not after a minute of play
		f, err := os.OpenFile(o.picture, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return usageError("--picture: %w", err)
		}
		_ = f.Close()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a reader that goes ends the play, which then tidies up
	v := &demoView{s: s, o: o, picture: &demo.Picture{Title: pictureTitle(sc, o)}, gone: stop}
	opts := demo.Options{Model: model, Scenario: sc, Policy: o.policy, Tasks: o.tasks, Seed: o.seed, Speed: speed, Addr: o.addr, ServeSpeed: max(o.speed, 0), Present: o.serve,
		Log: slog.New(slog.DiscardHandler), Tell: v.tell}
	d, err := demo.Open(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	pages, err := v.openPages(ctx, d)
	if err != nil {
		return err
	}
	defer func() { _ = pages.stop() }() //nolint:contextcheck // ctx may have ended; the grace is its own
	sum, err := v.watch(ctx, d, sc, speed, live)
	if errors.Is(err, syscall.EPIPE) {
		return quiet(ExitFailed)
	}
	if err != nil {
		return err
	}
	if err := v.finish(sum); err != nil {
		return err
	}
	if o.serve && !sum.Unfinished {
		v.over.Store(true)
		return v.serve(ctx, d)
	}
	if o.http != "" && !sum.Unfinished {
		<-ctx.Done()
	}
	if len(sum.Violations) > 0 {
		return errors.New("an invariant was broken; this is a defect, please report it with the summary above")
	}
	return nil
}

// demoView shows a play in the form that was asked for.
type demoView struct {
	s       IO
	o       demoOptions
	picture *demo.Picture
	over    atomic.Bool // the scenario, so that orders are taken
	gone    func()      // the reader has gone

	mu    sync.Mutex
	show  func(demo.Update) // the live view's
	wrote error
}

func (v *demoView) tell(u demo.Update) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.o.picture != "" {
		v.picture.Take(u)
	}
	if v.show != nil {
		v.show(u)
		return
	}
	if err := v.line(u); err != nil && v.wrote == nil {
		v.wrote = err
		v.gone()
	}
}

// line prints an update as text or JSON.
func (v *demoView) line(u demo.Update) error {
	at := u.At.UTC().Format("Mon 15:04:05")
	switch {
	case u.Kind == demo.WorldChanged && v.o.output == outputText:
		_, err := fmt.Fprintf(v.s.Out, "%s  * %s\n", at, u.Text)
		return err
	case u.Kind != demo.Decided:
		return nil
	case v.o.output == outputJSON:
		return json.NewEncoder(v.s.Out).Encode(u.Decision)
	}
	_, err := fmt.Fprintf(v.s.Out, "%s  %s\n", at, u.Text)
	return err
}

// watch plays, with the live view if it is wanted.
func (v *demoView) watch(ctx context.Context, d *demo.Demo, sc demo.Scenario, speed float64, live bool) (demo.Summary, error) {
	if !live {
		if v.o.output == outputText {
			_, _ = fmt.Fprintf(v.s.Out, "%s: %s; %s, policy %s. Everything is simulated. * is what the simulated world does.\n", sc.Name, sc.About, wording.Count(v.o.tasks, "task"), v.o.policy)
		}
		sum, err := d.Play(ctx)
		return sum, errors.Join(err, v.wrote)
	}
	set := term.Setting{Title: sc.Name, Begin: d.Begin(), Length: sc.Length, Speed: speed, Glyphs: glyphs(v.s), Hold: d.Hold}
	var sum demo.Summary
	still, err := term.Watch(ctx, v.s.In, v.s.Out, set, func(ctx context.Context, tell func(demo.Update)) error {
		v.mu.Lock()
		v.show = tell
		v.mu.Unlock()
		var err error
		sum, err = d.Play(ctx)
		return err
	})
	v.mu.Lock()
	v.show = nil
	v.mu.Unlock()
	if err != nil {
		return sum, err
	}
	_, err = lipgloss.Fprintln(v.s.Out, still)
	return sum, err
}

func glyphs(s IO) term.Glyphs {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(s.Env(name)); v != "" {
			if strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8") {
				return term.Unicode
			}
			return term.ASCII
		}
	}
	return term.ASCII
}

// finish prints the summary and writes the picture.
func (v *demoView) finish(sum demo.Summary) error {
	var err error
	if v.o.output == outputJSON {
		err = json.NewEncoder(v.s.Out).Encode(sum)
	} else {
		err = printSummary(v.s, sum)
	}
	if err != nil || v.o.picture == "" {
		return err
	}
	f, err := os.Create(v.o.picture)
	if err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	_, err = v.picture.WriteTo(f)
	return errors.Join(err, f.Close())
}

func printSummary(s IO, m demo.Summary) error {
	back := "yes"
	if !m.BackOnSpot {
		back = "no"
	}
	gap := ""
	if m.LongestGap > 0 {
		gap = fmt.Sprintf(", the longest gap %s", wording.Span(time.Duration(m.LongestGap*float64(time.Second))))
	}
	if m.ScaleOut > 0 {
		gap += fmt.Sprintf("\n              (%.1f of them while tasks for a risen demand started)", m.ScaleOut)
	}
	lines := []string{
		"",
		fmt.Sprintf("scenario      %s, policy %s, %s, seed %d: %s in %.1f s", m.Scenario, m.Policy, wording.Count(m.Tasks, "task"), m.Seed,
			wording.Span(time.Duration(m.VirtualSeconds*float64(time.Second))), m.WallSeconds),
		fmt.Sprintf("demand held   %.3f %%, missing %.1f task-minutes%s", m.DemandHeld, m.ShortTaskMinutes, gap),
		fmt.Sprintf("cost          $%.2f, %.0f %% of on-demand alone, at example prices of", m.CostUSD, 100*m.CostRatio),
		fmt.Sprintf("              $%g/vCPU-h and $%g/GB-h, Spot $%g and $%g", demo.ExamplePrices.OnDemandVCPU,
			demo.ExamplePrices.OnDemandGB, demo.ExamplePrices.SpotVCPU, demo.ExamplePrices.SpotGB),
		fmt.Sprintf("backstop      %s, %s, cover raised %s, %s", wording.Count(m.Passes, "look"), wording.Count(m.Decisions, "decision"), times(m.Covers), wording.Count(m.Failovers, "failover")),
		fmt.Sprintf("the world     %s, %s", wording.Count(m.Interruptions, "interruption"), wording.Count(m.TaskStarts, "task start")),
		fmt.Sprintf("back on Spot  %s", back),
		fmt.Sprintf("invariants    %s", broken(m.Violations)),
	}
	for _, p := range m.Promises {
		word := "kept   "
		if !p.Kept {
			word = "BROKEN "
		}
		lines = append(lines, "promised      "+p.Text, "              "+word+p.Measured)
	}
	lines = append(lines, "Everything was simulated: no AWS account was used.")
	if m.Unfinished {
		lines = append(lines, "The scenario was stopped before its end.")
	}
	_, err := fmt.Fprintln(s.Out, strings.Join(lines, "\n"))
	return err
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func broken(vs []demo.Violation) string {
	if len(vs) == 0 {
		return "all held after every look"
	}
	text := fmt.Sprintf("%d BROKEN", len(vs))
	for _, v := range vs {
		text += fmt.Sprintf("\n              %s %s: %s", v.At.UTC().Format(time.RFC3339), v.Rule, v.Text)
	}
	return text
}

// serve keeps sandbox and daemon up.
func (v *demoView) serve(ctx context.Context, d *demo.Demo) error {
	to := v.s.Err
	_, _ = fmt.Fprintf(to, "\nThe simulated AWS and the daemon stay up, at %gx. In another terminal:\n\n", max(v.o.speed, 1))
	for _, l := range environment(d.URL, demo.Region) {
		_, _ = fmt.Fprintln(to, "  "+l)
	}
	_, _ = fmt.Fprintf(to, "  export %s=%s\n\n", configEnv, d.ConfigPath())
	_, _ = fmt.Fprintf(to, "  aws ecs describe-services --cluster %s --services %s %s\n", demo.Cluster, demo.SpotService, demo.StandardService)
	_, _ = fmt.Fprintf(to, "  curl -X POST %s/_sandbox/capacity -d '{\"provider\": \"FARGATE_SPOT\", \"tasks\": 50}'\n", d.URL)
	_, _ = fmt.Fprintf(to, "  backstop status; backstop explain %s; backstop history\n\nCtrl-C ends it.\n", demo.Workload)
	return d.Serve(ctx)
}

func pictureTitle(sc demo.Scenario, o demoOptions) string {
	return fmt.Sprintf("backstop demo: %s, %s, policy %s", sc.About, wording.Count(o.tasks, "task"), o.policy)
}
