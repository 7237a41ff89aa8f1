package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/sandbox/proxy"
)

const (
	// sandboxAddr is the sandbox's usual address, so that commands can be pasted again.
	sandboxAddr = "127.0.0.1:7070"
	// twinsMax bounds the workloads made at the start.
	twinsMax = 1000
	// twinNameMax leaves room for what the names of the services add.
	twinNameMax = 240
	// setupTime is how long the tasks of new workloads have had to start and to run: one that is interrupted right
	// after its start is churn, and not what a first trial is about.
	setupTime = 15 * time.Minute
	// tokenEnv holds what the steering API demands off loopback; on a command line it could be read by others.
	tokenEnv = "BACKSTOP_SANDBOX_TOKEN"
)

// ecsName is what ECS takes as the name of a cluster, a service or a family.
var ecsName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

type sandboxOptions struct {
	addr    string
	speed   float64
	seed    uint64
	tasks   []string
	alone   []string
	cluster string
	region  string
	output  string
	quiet   bool
	proxy   string
	model   string
	like    string
	trace   string
}

// sandboxFacts is what `backstop sandbox --output json` prints once it listens.
type sandboxFacts struct {
	Endpoint    string            `json:"endpoint"`
	QueueURL    string            `json:"queue_url"`
	Region      string            `json:"region"`
	Speed       float64           `json:"speed"`
	Seed        uint64            `json:"seed"`
	Now         time.Time         `json:"now"`
	Environment map[string]string `json:"environment"`
	Services    []string          `json:"services"`
	Mirrored    []string          `json:"mirrored"`
	Differs     []string          `json:"differs"`
}

func newSandboxCommand(s IO) *cobra.Command { return newSandbox(s, runSandbox) }

func newSandbox(s IO, run func(context.Context, IO, sandboxOptions) error) *cobra.Command {
	var o sandboxOptions
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the simulated AWS alone, for the AWS CLI, SDKs and tests",
		Long: "Sandbox serves a model of ECS on Fargate over the AWS protocols on a loopback address, with the queue that ECS's events arrive in. " +
			"POST /_sandbox/... steers capacity, interruptions and faults (docs/sandbox.md). Everything is kept in memory. It checks no credentials, " +
			"and is for one machine: an address off loopback needs a token in $" + tokenEnv + ".",
		Example: "backstop sandbox --tasks analytics=200\nbackstop sandbox --on-demand web=6\nbackstop sandbox --speed 60 --tasks api=20 --tasks worker=50\n" +
			"backstop sandbox --like eu-west-1 --trace total --speed 60",
		Args: atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.like != "" && !cmd.Flags().Changed("region") {
				o.region = o.like
			}
			if err := o.check(s.Env(tokenEnv)); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	outputFlag(cmd, &o.output)
	f.StringVar(&o.addr, "addr", sandboxAddr, "address to listen on; port 0 picks one")
	f.Float64Var(&o.speed, "speed", 1, "virtual seconds in a real one")
	f.Uint64Var(&o.seed, "seed", 1, "seed of everything random")
	f.StringSliceVarP(&o.tasks, "tasks", "n", nil, "make a workload at the start: NAME=COUNT gives the services NAME-spot with COUNT tasks and NAME-standard with none")
	f.StringSliceVar(&o.alone, "on-demand", nil, "make a service at the start: NAME=COUNT gives the service NAME on on-demand, with COUNT tasks and no twin, for a trial of adopt")
	f.StringVar(&o.cluster, "cluster", "sandbox", "cluster of these workloads")
	f.StringVar(&o.region, "region", sandbox.DefaultRegion, "region of these workloads and of the queue")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "log nothing")
	f.StringVar(&o.proxy, "proxy", "", "be an HTTPS proxy for AWS's hosts, too, for programs that take no endpoint; the certificate that they must trust is written to this file")
	f.StringVar(&o.like, "like", "", "make services like those that live in this region of your account, which is only read: names, counts, sizes, deployments and target groups")
	f.StringVar(&o.trace, "trace", "", "play the capacity of this built-in trace or file (CSV), from the start on; backstop simulate --list names the built-in ones")
	modelFlag(cmd, &o.model)
	return cmd
}

func (o *sandboxOptions) check(token string) error {
	if !(o.speed > 0 && o.speed <= speedMax) {
		return usageError("--speed %v: must be above 0 and at most %g", o.speed, float64(speedMax))
	}
	if o.like != "" && !config.IsRegion(o.like) {
		return usageError("--like %q: must have the form of AWS's regions, such as us-east-1", o.like)
	}
	if !config.IsRegion(o.region) {
		return usageError("--region %q: must have the form of AWS's regions, such as us-east-1", o.region)
	}
	if err := checkAddress("addr", o.addr); err != nil {
		return err
	}
	if token == "" && !dashboard.Loopback(o.addr) {
		return usageError("--addr %s: must be a loopback address; another one needs a token in $%s", o.addr, tokenEnv)
	}
	if !ecsName.MatchString(o.cluster) {
		return usageError("--cluster %q: must be letters, digits, - and _, at most 255", o.cluster)
	}
	_, err := o.twins()
	return err
}

// twins reads --tasks and --on-demand.
func (o *sandboxOptions) twins() ([]sandbox.Twins, error) {
	if n := len(o.tasks) + len(o.alone); n > twinsMax {
		return nil, usageError("--tasks: at most %d workloads (got %d)", twinsMax, n)
	}
	var out []sandbox.Twins
	seen := map[string]bool{}
	for i, t := range slices.Concat(o.tasks, o.alone) {
		flag := "tasks"
		if i >= len(o.tasks) {
			flag = "on-demand"
		}
		name, number, ok := strings.Cut(t, "=")
		n, err := strconv.Atoi(number)
		if !ok || name == "" || err != nil || n < 0 || n > failover.ServiceTasksMax {
			return nil, usageError("--%s %q: must be NAME=COUNT with a count of 0 to %d", flag, t, failover.ServiceTasksMax)
		}
		if !ecsName.MatchString(name) || len(name) > twinNameMax {
			return nil, usageError("--%s %q: the name must be letters, digits, - and _, at most %d", flag, t, twinNameMax)
		}
		if seen[name] {
			return nil, usageError("--%s %q: %s is there twice", flag, t, name)
		}
		seen[name] = true
		out = append(out, sandbox.Twins{Region: o.region, Cluster: o.cluster, Name: name, Count: n, CPU: 1024, Memory: 2048, Alone: i >= len(o.tasks)})
	}
	return out, nil
}

func runSandbox(ctx context.Context, s IO, o sandboxOptions) error {
	log := newLog(s, o.quiet, slog.LevelInfo)
	world := ecsim.Config{Seed: o.seed}
	shape, day, err := o.likeness(ctx)
	if err != nil {
		return err
	}
	if len(o.tasks)+len(o.alone) > 0 || o.like != "" {
		world.Start = s.Now().UTC().Truncate(time.Second).Add(-setupTime)
	}
	options := sandbox.Options{World: world, Speed: o.speed, Region: o.region, Token: s.Env(tokenEnv), Log: log}
	model, err := readModel(o.model)
	if err != nil {
		return err
	}
	if err := model.Apply(&options.World, &options.Scaling); err != nil {
		return err
	}
	box := sandbox.New(options)
	listener, err := box.Listen(ctx, o.addr)
	if err != nil {
		return err
	}
	if o.proxy != "" {
		if err := o.openProxy(box, listener, s.Now()); err != nil {
			return err
		}
	}
	twins, err := o.twins()
	if err != nil {
		return err
	}
	if err := box.Setup(twins...); err != nil {
		return err
	}
	made, err := o.mirror(ctx, box, shape)
	if err != nil {
		return err
	}
	box.AdvanceTo(s.Now())
	box.SetDelivery(sandbox.Trouble{})
	facts := sandboxFacts{Endpoint: listener.URL, QueueURL: box.QueueURL(), Region: o.region, Speed: o.speed, Seed: o.seed, Now: box.Now().UTC(),
		Environment: map[string]string{}, Services: []string{}, Mirrored: append([]string{}, made.Services...), Differs: append([]string{}, made.Differs...)}
	for _, l := range o.environment(listener.URL) {
		name, value, _ := strings.Cut(strings.TrimPrefix(l, "export "), "=")
		facts.Environment[name] = value
	}
	for _, t := range twins {
		if t.Alone {
			facts.Services = append(facts.Services, t.Name)
			continue
		}
		facts.Services = append(facts.Services, t.Name+"-spot", t.Name+"-standard")
	}
	if err := printSandbox(s, o, facts); err != nil {
		return err
	}
	if day != nil {
		go playDay(ctx, box, day, o.region)
	}
	return listener.Serve(ctx)
}

func printSandbox(s IO, o sandboxOptions, f sandboxFacts) error {
	if o.output == outputJSON {
		return printJSON(s.Out, f)
	}
	_, err := fmt.Fprintf(s.Out, "# simulated AWS at %s, %gx, seed %d; paste this into another terminal:\n%s\n# events arrive in %s\n",
		f.Endpoint, f.Speed, f.Seed, strings.Join(o.environment(f.Endpoint), "\n"), f.QueueURL)
	for _, name := range f.Services {
		_, _ = fmt.Fprintf(s.Out, "# service %s/%s\n", o.cluster, name)
	}
	for _, name := range f.Mirrored {
		_, _ = fmt.Fprintf(s.Out, "# service %s, as in %s\n", name, o.like)
	}
	for _, what := range f.Differs {
		_, _ = fmt.Fprintf(s.Out, "# differs: %s\n", what)
	}
	return err
}

// openProxy puts a proxy before the sandbox, and writes down whom its clients must trust.
func (o *sandboxOptions) openProxy(box *sandbox.Sandbox, l *sandbox.Listener, now time.Time) error {
	before, ca, err := proxy.New(box, now)
	if err != nil {
		return err
	}
	if o.proxy, err = filepath.Abs(o.proxy); err != nil {
		return fmt.Errorf("write the proxy's certificate: %w", err)
	}
	if err := os.WriteFile(o.proxy, ca, 0o644); err != nil {
		return fmt.Errorf("write the proxy's certificate: %w", err)
	}
	l.Handler = before
	return nil
}

// environment is what leads clients to the sandbox: an endpoint, or a proxy and the certificate that it shows.
func (o *sandboxOptions) environment(endpoint string) []string {
	lines := environment(endpoint, o.region)
	if o.proxy == "" {
		return lines
	}
	lines[0] = "export HTTPS_PROXY=" + endpoint
	for _, name := range []string{"AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"} {
		lines = append(lines, "export "+name+"="+o.proxy)
	}
	return lines
}

// environment is what AWS's own clients need to talk to a sandbox.
func environment(endpoint, region string) []string {
	return []string{"export AWS_ENDPOINT_URL=" + endpoint, "export AWS_REGION=" + region, "export AWS_DEFAULT_REGION=" + region,
		"export AWS_ACCESS_KEY_ID=sandbox", "export AWS_SECRET_ACCESS_KEY=sandbox"}
}
