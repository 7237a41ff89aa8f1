package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/input"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/shorthand"
	"github.com/backstop-ecs/backstop/internal/taskretry"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// runTasksMax bounds the tasks of one run.
	runTasksMax = 5000
	// runPoll is how often a run looks at its tasks, unless told otherwise; runGiveUp how long it looks for room.
	runPoll   = 5 * time.Second
	runGiveUp = 30 * time.Minute
	// runStopFor is how long a run that is cut off has to stop its tasks.
	runStopFor = 30 * time.Second
	// runCountFor is how long a run whose tasks are left alone looks for how many there are.
	runCountFor = 10 * time.Second
	// tokenMost is the longest token of a run: it is part of startedBy, which ECS bounds at 128 characters (API reference, RunTask).
	tokenMost = 100
)

// runToken are the characters that a run's name may have.
var runToken = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

type runTaskOptions struct {
	req                                            runtask.Request
	region, output                                 string
	count                                          int
	cluster, definition, startedBy, group, version string
	network, overrides, propagate, reference       string
	inputJSON                                      string
	launch                                         string
	strategy                                       []string
	tags, pools                                    []string
	exec, managedTags, detach, follow, asl         bool
	made                                           bool // the token was made up
}

func newRunTaskCommand(s IO) *cobra.Command {
	var o runTaskOptions
	cmd := &cobra.Command{
		Use:   "run-task --task-definition FAMILY",
		Short: "Run tasks of no service: as aws ecs run-task, on the first pool with room",
		Long: "Run-task takes what `aws ecs run-task` takes. It starts the tasks on Fargate Spot; where Spot has no room, does not start them in time (--start-within) or interrupts one " +
			"(--retry-interrupted), it starts them on the next pool, on-demand unless --pool says otherwise. With --wait it ends with the exit code of the container. Nothing of a run is " +
			"kept but its tasks: the same command with the run's --client-token goes on where a killed one was, within the hour for which ECS remembers a stopped task. A task whose " +
			"container ends with 0 is never started again, even where Spot interrupted it.",
		Example: "backstop run-task --task-definition job --network-configuration 'awsvpcConfiguration={subnets=[subnet-1]}' --wait\n" +
			"backstop run-task --task-definition job --count 20 --start-within 2m --retry-interrupted 3 --wait --cli-input-json file://job.json",
		Args: tagArgs(&o),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.req.Wait = o.req.Wait || o.asl
			if err := o.check(cmd); err != nil {
				return err
			}
			if o.asl {
				return o.printMachine(s)
			}
			return o.run(cmd.Context(), s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.cluster, "cluster", "", "the cluster; without it ECS's default")
	f.StringVar(&o.definition, "task-definition", "", "family, family:revision or ARN")
	f.IntVar(&o.count, "count", 1, fmt.Sprintf("how many tasks, up to %d", runTasksMax))
	f.StringVar(&o.network, "network-configuration", "", "as the AWS CLI takes it: shorthand, JSON or file://PATH")
	f.StringVar(&o.overrides, "overrides", "", "as the AWS CLI takes it: JSON or file://PATH")
	f.StringArrayVar(&o.tags, "tags", nil, "key=NAME,value=VALUE, once for each tag, JSON or file://PATH")
	f.StringVar(&o.startedBy, "started-by", "", "who started the tasks; without it backstop/TOKEN")
	f.StringVar(&o.group, "group", "", "the tasks' group; without it family:FAMILY")
	f.StringVar(&o.version, "platform-version", "", "Fargate's platform version")
	f.StringVar(&o.propagate, "propagate-tags", "", "TASK_DEFINITION: its tags too")
	f.StringVar(&o.reference, "reference-id", "", "the reference of the tasks")
	f.BoolVar(&o.exec, "enable-execute-command", false, "allow ECS Exec in the tasks")
	f.BoolVar(&o.managedTags, "enable-ecs-managed-tags", false, "let ECS tag the tasks")
	f.StringVar(&o.inputJSON, "cli-input-json", "", "the whole call as JSON, or file://PATH; flags go before it")
	f.StringVar(&o.req.Token, "client-token", "", "the name of the run; the same name goes on with it. Without it one is made up and printed")
	f.StringVar(&o.launch, "launch-type", "", "refused: --pool says where")
	f.StringArrayVar(&o.strategy, "capacity-provider-strategy", nil, "refused: --pool says where")
	_, _ = f.MarkHidden("launch-type"), f.MarkHidden("capacity-provider-strategy")
	f.StringArrayVar(&o.pools, "pool", []string{string(failover.Spot), string(failover.OnDemand)}, "where, in order: FARGATE_SPOT or FARGATE, with subnets of its own as FARGATE_SPOT=subnet-1,subnet-2")
	f.BoolVar(&o.req.Wait, "wait", false, "until all tasks have ended")
	f.Var(spanValue{&o.req.StartWithin}, "start-within", "how long a task may take to run before the next pool is tried; without it as long as it takes")
	f.IntVar(&o.req.Retries, "retry-interrupted", 0, "how often a task that was interrupted is started again, on the next pool")
	f.Var(spanValue{&o.req.GiveUp}, "give-up", "how long to look for room, or for an answer of AWS")
	f.BoolVar(&o.follow, "follow", false, "with --wait: print what the containers log (log driver awslogs); with -o json on standard error")
	f.BoolVar(&o.asl, "asl", false, "run nothing: print a state machine of AWS Step Functions that does the same, for a week at most")
	f.BoolVar(&o.detach, "detach", false, "with --wait: let the tasks run on when this program is stopped")
	f.StringVar(&o.region, "region", "", "the region; without it the AWS SDK's own")
	outputFlag(cmd, &o.output)
	o.req.GiveUp, o.req.Poll = runGiveUp, runPoll
	f.Lookup("give-up").DefValue = wording.Span(runGiveUp)
	return cmd
}

// tagArgs takes further tags after --tags, as the AWS CLI has them: --tags key=a,value=1 key=b,value=2.
func tagArgs(o *runTaskOptions) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		for _, a := range args {
			if !cmd.Flags().Changed("tags") || !strings.HasPrefix(strings.ToLower(a), "key=") {
				return usageError("run-task takes no argument %q; see --help", a)
			}
			o.tags = append(o.tags, a)
		}
		return nil
	}
}

// check reads the flags into the request.
func (o *runTaskOptions) check(cmd *cobra.Command) error {
	if o.launch != "" || len(o.strategy) > 0 {
		return usageError("--launch-type and --capacity-provider-strategy: --pool says where the tasks run: --pool FARGATE_SPOT --pool FARGATE")
	}
	in := &o.req.Input
	if err := decodeValue(cmd.Context(), "--cli-input-json", o.inputJSON, in); err != nil {
		return err
	}
	if in.Count != nil && !cmd.Flags().Changed("count") {
		o.count = int(*in.Count)
	}
	for flag, value := range map[string]struct {
		text string
		into any
	}{"network-configuration": {o.network, &in.NetworkConfiguration}, "overrides": {o.overrides, &in.Overrides}} {
		if err := decodeValue(cmd.Context(), "--"+flag, value.text, value.into); err != nil {
			return err
		}
	}
	for _, text := range o.tags {
		tags := make([]types.Tag, 1)
		if err := decodeValue(cmd.Context(), "--tags", text, &tags[0], &tags); err != nil {
			return err
		}
		in.Tags = append(in.Tags, tags...)
	}
	for _, to := range []struct {
		text string
		into **string
	}{{o.cluster, &in.Cluster}, {o.definition, &in.TaskDefinition}, {o.startedBy, &in.StartedBy}, {o.group, &in.Group}, {o.version, &in.PlatformVersion},
		{o.reference, &in.ReferenceId}, {o.req.Token, &in.ClientToken}} {
		if to.text != "" {
			*to.into = aws.String(to.text)
		}
	}
	if o.propagate != "" {
		in.PropagateTags = types.PropagateTags(o.propagate)
	}
	in.EnableExecuteCommand, in.EnableECSManagedTags = in.EnableExecuteCommand || o.exec, in.EnableECSManagedTags || o.managedTags
	return o.checkRun(cmd)
}

// checkRun refuses what cannot be run.
func (o *runTaskOptions) checkRun(cmd *cobra.Command) error {
	in := &o.req.Input
	switch {
	case aws.ToString(in.TaskDefinition) == "":
		return usageError("run-task needs --task-definition")
	case o.region != "" && !config.IsRegion(o.region):
		return usageError("--region %q: must have the form of AWS's regions, such as us-east-1", o.region)
	case o.count < 1 || o.count > runTasksMax:
		return usageError("--count %d: must be within 1..%d", o.count, runTasksMax)
	case o.req.Retries < 0 || o.req.Retries > 100:
		return usageError("--retry-interrupted %d: must be within 0..100", o.req.Retries)
	case cmd.Flags().Changed("retry-interrupted") && !o.req.Wait:
		return usageError("--retry-interrupted: only together with --wait")
	case o.asl && (o.count != 1 || in.ClientToken != nil || o.follow || o.detach):
		return usageError("--asl: not together with --count, --client-token, --follow or --detach: an execution runs one task, and its name is the run's")
	case o.asl && (o.req.StartWithin%time.Second != 0 || o.req.GiveUp%time.Second != 0):
		return usageError("--asl: --start-within and --give-up must be whole seconds, as Step Functions waits no shorter")
	case o.follow && !o.req.Wait:
		return usageError("--follow: only together with --wait")
	case o.detach && !o.req.Wait:
		return usageError("--detach: only together with --wait")
	case in.PropagateTags != "" && in.PropagateTags != types.PropagateTagsTaskDefinition && in.PropagateTags != types.PropagateTagsNone:
		return usageError("--propagate-tags %s: must be %s or %s", in.PropagateTags, types.PropagateTagsTaskDefinition, types.PropagateTagsNone)
	case slices.ContainsFunc(in.Tags, func(t types.Tag) bool { return aws.ToString(t.Key) == "" }):
		return usageError("--tags: a tag has no key; as in --tags key=team,value=shop")
	case slices.ContainsFunc(in.Tags, func(t types.Tag) bool { return aws.ToString(t.Key) == taskretry.TagRetry }):
		return usageError("--tags %s: a guard leaves tasks of run-task alone; --wait --retry-interrupted starts them again", taskretry.TagRetry)
	case slices.ContainsFunc(in.Tags, func(t types.Tag) bool { return runtask.OwnTag(aws.ToString(t.Key)) }):
		return usageError("--tags: backstop:run, backstop:attempt, backstop:losses, backstop:pool and backstop:call are the run's own")
	case in.StartedBy != nil && !runtask.StartedBy.MatchString(*in.StartedBy) && !(o.asl && strings.HasPrefix(*in.StartedBy, "{%")):
		return usageError("--started-by %q: must be at most 128 letters, digits, -, / and _", *in.StartedBy)
	case len(in.CapacityProviderStrategy) > 0 || in.LaunchType != "":
		return usageError("--cli-input-json: launchType and capacityProviderStrategy: --pool says where the tasks run")
	}
	for _, text := range o.pools {
		name, list, has := strings.Cut(text, "=")
		subnets := strings.Split(list, ",")
		if name != string(failover.Spot) && name != string(failover.OnDemand) || has && slices.Contains(subnets, "") {
			return usageError("--pool %q: must be %s or %s, with subnets as %s=subnet-1,subnet-2", text, failover.Spot, failover.OnDemand, failover.Spot)
		}
		p := runtask.Pool{Capacity: name}
		if has {
			p.Subnets = subnets
		}
		o.req.Pools = append(o.req.Pools, p)
	}
	o.req.Count, o.req.Rules.Pools = o.count, len(o.req.Pools)
	o.req.Token = aws.ToString(in.ClientToken)
	if o.req.Token == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		o.req.Token, o.made = hex.EncodeToString(b[:]), true
	}
	if len(o.req.Token) > tokenMost || !runToken.MatchString(o.req.Token) {
		return usageError("--client-token %q: must be at most %d letters, digits, - and _", o.req.Token, tokenMost)
	}
	if in.StartedBy == nil && !o.asl {
		in.StartedBy = aws.String("backstop/" + o.req.Token)
	}
	return nil
}

// inputMax bounds a file that a flag names: RunTask takes overrides of 8192 characters (ECS API reference), and network, tags and names are shorter.
const inputMax = 1 << 20

// decodeValue reads what a flag has, or the file that it names as file://PATH, as the AWS CLI does: into one value or, where several may be given, a JSON
// list into list. An empty text leaves into as it is.
func decodeValue(ctx context.Context, flag, text string, into any, list ...any) error {
	if text == "" {
		return nil
	}
	if path, ok := strings.CutPrefix(text, "file://"); ok {
		raw, err := input.File(ctx, path, inputMax, io.ReadAll)
		if err != nil {
			return usageError("%s: %w", flag, err)
		}
		flag, text = flag+": "+path, string(raw)
	}
	if len(list) > 0 && strings.HasPrefix(strings.TrimSpace(text), "[") {
		into = list[0]
	}
	if err := shorthand.Decode(text, into); err != nil {
		return usageError("%s: %w", flag, err)
	}
	return nil
}

func (o *runTaskOptions) run(ctx context.Context, s IO) error {
	cfg, err := session.Load(ctx, o.region)
	if err != nil {
		return err
	}
	if cfg.Region == "" {
		return usageError("no region is known: name one with --region, or set AWS_REGION")
	}
	client := ecs.NewFromConfig(cfg)
	if s.ErrTerminal { // quiet in a pipe
		o.req.Note = func(text string) { say(s.Err, "%s", text) }
	}
	if o.follow {
		o.req.Follow = o.followIn(cfg, s)
	}
	if o.made { // a program that is killed before its answer is gone on with by this name
		say(s.Err, "run %s", o.req.Token)
	}
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGPIPE) // a reader that goes does not end the run, which would leave its tasks to themselves
	defer signal.Stop(gone)
	res, err := runtask.Run(ctx, client, cfg.Region, &o.req)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return o.cutOff(s, client, &res)
	}
	return o.ended(s, &res, err)
}

// ended prints the answer of a run that has ended, and makes its exit code.
func (o *runTaskOptions) ended(s IO, res *runtask.Result, err error) error {
	if err == nil || res.Starts > 0 || o.output == outputJSON {
		switch wrote := o.print(s, res, err == nil); {
		case wrote != nil && err == nil:
			return fmt.Errorf("print the answer: %w; %s", wrote, o.outcome(res, true))
		case wrote != nil:
			err = fmt.Errorf("%w; the answer could not be printed (%w): %s", err, wrote, o.outcome(res, false))
		}
	}
	if n := res.Ends[runtask.Alive]; err != nil && n > 0 {
		err = fmt.Errorf("%w; %s of the run %s %s left: the same command with --client-token %s goes on with %s", err,
			wording.Count(n, "task"), o.req.Token, wording.Verb(n, "is", "are"), o.req.Token, wording.Verb(n, "it", "them"))
	}
	switch {
	case errors.Is(err, runtask.ErrOtherRun):
		return usageError("--client-token: %w", err)
	case errors.Is(err, runtask.ErrNoRoom):
		return &exitError{ExitUnhealthy, err}
	case err != nil:
		return err
	case o.req.Wait && res.Exit != 0:
		return quiet(res.Exit)
	}
	return nil
}

// cutOff ends a run that its caller has stopped: its tasks are stopped, or left alone.
func (o *runTaskOptions) cutOff(s IO, client *ecs.Client, res *runtask.Result) error {
	ctx, cancel := context.WithTimeout(context.Background(), runStopFor)
	defer cancel()
	if o.detach || !o.req.Wait {
		ctx, cancel := context.WithTimeout(ctx, runCountFor)
		defer cancel()
		n, err := runtask.Left(ctx, client, &o.req, res)
		say(s.Err, "%s", goOn(n, err == nil && (n >= o.count || !res.Unheard), o.req.Token))
		return ranError{errInterrupted}
	}
	n, err := runtask.Stop(ctx, client, &o.req, res)
	if err == nil && res.Unheard && n < o.count {
		err = errInterrupted
	} else if err == nil {
		say(s.Err, "%s stopped", wording.Count(n, "task"))
		return ranError{errInterrupted}
	}
	return ranError{fmt.Errorf("%w; %s stopped, perhaps not all: the same command with --client-token %s goes on with the others", err, wording.Count(n, "task"), o.req.Token)}
}

// goOn says how many tasks of a run go on without this program.
func goOn(n int, sure bool, token string) string {
	switch {
	case !sure && n == 0:
		return fmt.Sprintf("tasks of the run %s may go on; the same command with --client-token %s goes on with them", token, token)
	case !sure:
		return fmt.Sprintf("at least %s of the run %s %s on, perhaps more; the same command with --client-token %s goes on with them", wording.Count(n, "task"), token, wording.Verb(n, "goes", "go"), token)
	case n == 0:
		return fmt.Sprintf("no task of the run %s is under way", token)
	}
	return fmt.Sprintf("%s of the run %s %s on; the same command with --client-token %s goes on with %s", wording.Count(n, "task"), token, wording.Verb(n, "goes", "go"), token, wording.Verb(n, "it", "them"))
}
