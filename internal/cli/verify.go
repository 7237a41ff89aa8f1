package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ledger"
	"github.com/backstop-ecs/backstop/internal/verify"
)

const outputMarkdown, outputHTML = "md", "html"

func newVerifyCommand(s IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify-aws",
		Short: "Measure what Backstop assumes of AWS in your own account",
		Long: "Verify-aws runs experiments in your account: services of its own with a few small tasks, whose cost is bounded before the first call. It holds what AWS does against " +
			"docs/aws-assumptions.md and says of each row that it observes: holds, bends or contradicted. Everything that it makes has the tag " + verify.TagKey + ", nothing without it is touched, " +
			"and a dead man's switch in the account takes everything away after two hours, also if this machine dies. docs/verify-aws.md has the details.",
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newVerifyPlan(s, runVerifyPlan), newVerifyRun(s, runVerifyRun), newVerifyWatch(s, runVerifyWatch), newVerifyClean(s, runVerifyClean), newVerifyReport(s, runVerifyReport), newVerifyApply(s, runVerifyApply))
	return cmd
}

// verifyOptions are those of all its commands; each has some of them.
type verifyOptions struct {
	region, output, dir, out string
	share                    string
	only                     []string
	subnets, groups          []string
	private, yes             bool
	role, group, execution   string
	maxUSD, speed            float64
	run                      string
}

func (o *verifyOptions) regionFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.region, "region", "", "work in this region; without it the AWS SDK's own")
}

func (o *verifyOptions) chooseFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.only, "only", nil, "only the experiments that observe these rows of docs/aws-assumptions.md, such as A1,A22")
	f.BoolVar(&o.private, "private", false, "give the tasks no public address; their subnets must reach public.ecr.aws otherwise")
}

func (o *verifyOptions) dirFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.dir, "dir", ".", "directory of the runs' reports")
	_ = cmd.MarkFlagDirname("dir")
}

// aws loads the SDK's configuration.
func (o *verifyOptions) aws(ctx context.Context) (aws.Config, error) {
	if o.region != "" && !config.IsRegion(o.region) {
		return aws.Config{}, usageError("--region %q: must have the form of AWS's regions, such as us-east-1", o.region)
	}
	cfg, err := session.Load(ctx, o.region)
	if err == nil && cfg.Region == "" {
		err = usageError("no region is known: name one with --region, or set AWS_REGION")
	}
	return cfg, err
}

// verifyPlan is the answer of verify-aws plan.
type verifyPlan struct {
	verify.Plan
	Policies verify.Policies `json:"policies"`
}

func newVerifyPlan(s IO, run func(context.Context, IO, verifyOptions) error) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:     "plan",
		Short:   "Show every resource and call of a run and the most that it can cost; change nothing",
		Example: "backstop verify-aws plan\nbackstop verify-aws plan --only A22 --region eu-west-1 -o json",
		Args:    atMost(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), s, o) },
	}
	o.regionFlag(cmd)
	o.chooseFlags(cmd)
	outputFlag(cmd, &o.output)
	return cmd
}

func runVerifyPlan(ctx context.Context, s IO, o verifyOptions) error {
	cfg, err := o.aws(ctx)
	if err != nil {
		return err
	}
	p, _, err := o.plan(cfg.Region)
	if err != nil {
		return err
	}
	answer := verifyPlan{p, verify.PoliciesOf(cfg.Region)}
	if o.output == outputJSON {
		return printJSON(s.Out, answer)
	}
	return printVerifyPlan(s.Out, &answer)
}

// plan is that of the chosen experiments, with their numbers.
func (o *verifyOptions) plan(region string) (verify.Plan, []int, error) {
	numbers, err := verify.Select(o.only)
	if err != nil {
		return verify.Plan{}, nil, usageError("--only: %w", err)
	}
	p, err := verify.PlanOf(region, numbers, o.private)
	if err != nil {
		return p, nil, usageError("%w", err)
	}
	return p, numbers, nil
}

func newVerifyRun(s IO, run func(context.Context, IO, verifyOptions) error) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Carry the experiments out, take everything away again and report",
		Long: "Run carries the experiments out, at most two hours long, and reports. It refuses before the first change when the run may cost more than --max-usd, or would need more than half of a vCPU quota. " +
			"It starts no task before a dead man's switch in the account has been proved to act; `backstop verify-aws plan` prints the policies of its role. " +
			"Ctrl-C ends the run and takes everything away; if the program dies, `backstop verify-aws clean RUN` does, or the switch. Exit code 3: a row is contradicted.",
		Example: "backstop verify-aws run --max-usd 2 --subnets subnet-1,subnet-2 --switch-role arn:aws:iam::123456789012:role/backstop-verify\n" +
			"backstop verify-aws run --max-usd 1 --only A28 --subnets subnet-1 --switch-role arn:aws:iam::123456789012:role/backstop-verify --yes",
		Args: atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case !(o.maxUSD > 0) || math.IsInf(o.maxUSD, 0):
				return usageError("--max-usd: say what the run may cost at most; backstop verify-aws plan shows what it can")
			case len(o.subnets) == 0:
				return usageError("--subnets: name the subnets of the tasks; to list them: aws ec2 describe-subnets --query Subnets[].SubnetId")
			case !strings.HasPrefix(o.role, "arn:") || !strings.Contains(o.role, ":role/"):
				return usageError("--switch-role: name the ARN of the role by which the dead man's switch acts; backstop verify-aws plan prints its policies")
			case o.execution != "" && (!strings.HasPrefix(o.execution, "arn:") || !strings.Contains(o.execution, ":role/")):
				return usageError("--execution-role: must be the ARN of a role")
			case o.group != "" && (!strings.HasPrefix(o.group, "arn:") || !strings.Contains(o.group, ":targetgroup/")):
				return usageError("--target-group: must be the ARN of a target group")
			case !(o.speed > 0 && o.speed <= speedMax):
				return usageError("--sandbox-speed %v: must be above 0 and at most %g", o.speed, float64(speedMax))
			}
			return run(cmd.Context(), s, o)
		},
	}
	o.regionFlag(cmd)
	o.chooseFlags(cmd)
	o.dirFlag(cmd)
	f := cmd.Flags()
	f.Float64Var(&o.maxUSD, "max-usd", 0, "what the run may cost at most, in US dollars; needed")
	f.StringSliceVar(&o.subnets, "subnets", nil, "subnets of the tasks; needed")
	f.StringSliceVar(&o.groups, "security-groups", nil, "security groups of the tasks; without them the VPC's default")
	f.StringVar(&o.role, "switch-role", "", "ARN of the role by which EventBridge Scheduler takes everything away; needed")
	f.StringVar(&o.execution, "execution-role", "", "ARN of a task execution role, with which experiment 5 also asks for a secret that does not exist; without it that is left out")
	f.StringVar(&o.group, "target-group", "", "ARN of a target group of yours, of the type ip and behind a listener, in which experiment 7 may have targets; without it that is left out")
	f.BoolVarP(&o.yes, "yes", "y", false, "do it without asking; needed without a terminal")
	f.Float64Var(&o.speed, "sandbox-speed", 1, "the speed of the sandbox that it works in; waits are divided by it")
	choiceFlag(cmd, &o.output, "output", "o", outputMarkdown, []string{outputMarkdown, outputJSON, outputHTML}, "form of the report; html is a page of its own, json is documented in docs/json.md")
	return cmd
}

func runVerifyRun(ctx context.Context, s IO, o verifyOptions) error {
	cfg, err := o.aws(ctx)
	if err != nil {
		return err
	}
	p, numbers, err := o.plan(cfg.Region)
	if err != nil {
		return err
	}
	id, err := verify.NewID()
	if err != nil {
		return err
	}
	for i := range p.Experiments {
		say(s.Err, "%d %s: %s; up to $%.2f", p.Experiments[i].Number, p.Experiments[i].Name, p.Experiments[i].Does, p.Experiments[i].USD)
	}
	say(s.Err, "run %s in %s: at most $%.2f, with what the tasks cost if this program dies; up to %d minutes", id, cfg.Region, p.Bound.Total, p.Minutes)
	if err := confirmed(s, "verify-aws run", o.yes); err != nil {
		return err
	}
	say(s.Err, "if this program dies: backstop verify-aws clean %s", id)
	r, err := verify.Run(ctx, verify.Options{AWS: cfg, Subnets: o.subnets, SecurityGroups: o.groups, Private: o.private, SwitchRole: o.role, TargetGroup: o.group, ExecutionRole: o.execution, MaxUSD: o.maxUSD, Experiments: numbers,
		Now: s.Now, Wait: control.Pause, Scale: o.speed, Say: func(text string) { say(s.Err, "%s", text) }, Save: o.save,
		Share: func(corpus []byte) error { return o.keep(id, corpus) }}, id)
	if refused, ok := errors.AsType[*verify.Refusal](err); ok {
		return &exitError{ExitRefused, refused}
	}
	if r.Run == "" {
		return err
	}
	return errors.Join(err, o.print(s, &r))
}

// print writes a report; a contradiction is exit code 3.
func (o *verifyOptions) print(s IO, r *verify.Report) error {
	var err error
	switch o.output {
	case outputJSON:
		err = printJSON(s.Out, r)
	case outputHTML:
		err = r.Page(s.Out)
	default:
		_, err = fmt.Fprint(s.Out, r.Markdown())
	}
	if err == nil && len(r.Contradicted()) > 0 {
		return quiet(ExitUnhealthy)
	}
	return err
}

func (o *verifyOptions) file(id string) string {
	return filepath.Join(o.dir, "backstop-verify-"+id+".json")
}

// events is the file of a run's events.
func (o *verifyOptions) events(id string) string {
	return filepath.Join(o.dir, "backstop-verify-"+id+".events.jsonl")
}

// keep writes the corpus of a run's events beside its report.
func (o *verifyOptions) keep(id string, corpus []byte) error {
	if err := os.WriteFile(o.events(id), corpus, 0o644); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

// shared writes the corpus of a run's events to the file of --share.
func (o *verifyOptions) shared(s IO) error {
	corpus, err := os.ReadFile(o.events(o.run))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usageError("--share: %s is not there: the run got no events", o.events(o.run))
	case err != nil:
		return fmt.Errorf("read events: %w", err)
	}
	if _, err := ledger.ReadCorpus(corpus); err != nil {
		return usageError("%s: %w", o.events(o.run), err)
	}
	if err := os.WriteFile(o.share, corpus, 0o644); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	say(s.Err, "wrote %s; identifiers are replaced in it", o.share)
	return nil
}

// save writes a report beside the one before, and then in its place.
func (o *verifyOptions) save(r verify.Report) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	file := o.file(r.Run)
	if err := os.WriteFile(file+".new", append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// reportMax is how large a report may be.
const reportMax = 1 << 20

// read reads the report of a run.
func (o *verifyOptions) read(id string) (verify.Report, error) {
	if err := verify.CheckID(id); err != nil {
		return verify.Report{}, usageError("verify-aws: %w", err)
	}
	file := o.file(id)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return verify.Report{}, usageError("%s is not there; --dir names the directory in which the run was started", file)
	case err != nil:
		return verify.Report{}, usageError("read report: %w", err)
	case info.Size() > reportMax:
		return verify.Report{}, usageError("%s: must be at most %d bytes (got %d)", file, reportMax, info.Size())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return verify.Report{}, usageError("read report: %w", err)
	}
	r, err := verify.ReadReport(raw)
	if err != nil {
		return r, usageError("%s: %w", file, err)
	}
	return r, nil
}

func newVerifyClean(s IO, run func(context.Context, IO, verifyOptions) error) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:     "clean RUN",
		Short:   "Take away what is left of a run; a second time it finds nothing",
		Long:    "Clean takes away what a run left: what has its name and the tag " + verify.TagKey + " with its ID. It needs nothing of the machine that the run was started on. What has the name and not the tag stays, and is named.",
		Example: "backstop verify-aws clean 1a2b3c4d",
		Args:    between(1, 1, "one RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.run = args[0]
			if err := verify.CheckID(o.run); err != nil {
				return usageError("verify-aws clean: %w", err)
			}
			return run(cmd.Context(), s, o)
		},
	}
	o.regionFlag(cmd)
	return cmd
}

func runVerifyClean(ctx context.Context, s IO, o verifyOptions) error {
	cfg, err := o.aws(ctx)
	if err != nil {
		return err
	}
	gone, err := verify.Clean(ctx, verify.Options{AWS: cfg, Now: s.Now, Wait: control.Pause, Say: func(text string) { say(s.Err, "%s", text) }}, o.run)
	if err == nil && len(gone) == 0 {
		say(s.Err, "nothing is left of run %s in %s", o.run, cfg.Region)
	}
	return err
}

func newVerifyReport(s IO, run func(context.Context, IO, verifyOptions) error) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:     "report RUN",
		Short:   "Print the report of a run, to paste into an issue or as JSON; it has no account or resource IDs",
		Example: "backstop verify-aws report 1a2b3c4d\nbackstop verify-aws report 1a2b3c4d -o json\nbackstop verify-aws report 1a2b3c4d -o html > report.html\nbackstop verify-aws report 1a2b3c4d --share events.jsonl",
		Args:    between(1, 1, "one RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.run = args[0]
			return run(cmd.Context(), s, o)
		},
	}
	o.dirFlag(cmd)
	choiceFlag(cmd, &o.output, "output", "o", outputMarkdown, []string{outputMarkdown, outputJSON, outputHTML}, "form of the report; html is a page of its own, json is documented in docs/json.md")
	cmd.Flags().StringVar(&o.share, "share", "", "also write the events that the run got to this file, with identifiers replaced")
	_ = cmd.MarkFlagFilename("share", "jsonl")
	return cmd
}

func runVerifyReport(_ context.Context, s IO, o verifyOptions) error {
	r, err := o.read(o.run)
	if err != nil {
		return err
	}
	if o.share != "" {
		if err := o.shared(s); err != nil {
			return err
		}
	}
	return o.print(s, &r)
}

func newVerifyApply(s IO, run func(context.Context, IO, verifyOptions) error) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:     "apply RUN",
		Short:   "Write a model.yaml with what a run measured, for --model of sandbox, demo, simulate and tune",
		Example: "backstop verify-aws apply 1a2b3c4d\nbackstop sandbox --model model.yaml",
		Args:    between(1, 1, "one RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.run = args[0]
			return run(cmd.Context(), s, o)
		},
	}
	o.dirFlag(cmd)
	cmd.Flags().StringVar(&o.out, "out", "model.yaml", "the file to write")
	_ = cmd.MarkFlagFilename("out", "yaml")
	return cmd
}

func runVerifyApply(_ context.Context, s IO, o verifyOptions) error {
	r, err := o.read(o.run)
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.out, []byte(r.Model()), 0o644); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	say(s.Err, "wrote %s", o.out)
	return nil
}
