package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/doctor"
)

type doctorOptions struct {
	path   string
	output string
	selection
	problems bool
	notify   bool
	live     bool
	policies []string
	fix      bool
	yes      bool
}

func newDoctorCommand(s IO) *cobra.Command { return newDoctor(s, runDoctor) }

func newDoctor(s IO, run func(context.Context, IO, doctorOptions) error) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [WORKLOAD...]",
		Short: "Check everything that would make a failover fail; exit code 3 when something would",
		Long: "Doctor looks at credentials and permissions, the services and whether the twins are equal, quotas, auto scaling, events, state and clock, and names " +
			"the fix of every problem. A check that another problem explains is skipped. What is alike on several workloads is one line with their number. It changes nothing; with --fix it shows the changes that are safe " +
			"(of a standby that has no tasks, and a standby's minimum in auto scaling) and makes them after a yes. docs/doctor.md has every check.",
		Example:           "backstop doctor\nbackstop doctor analytics --problems\nbackstop doctor --fix",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.selection.check(""); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	selectionFlags(cmd, s, &o.path, &o.selection)
	choiceFlag(cmd, &o.output, "output", "o", outputText, []string{outputText, outputWide, outputJSON}, "form of the answer; wide shows each workload's checks, json is documented in docs/json.md")
	cmd.Flags().BoolVar(&o.notify, "notify", false, "also send a test to every receiver of notices")
	cmd.Flags().BoolVar(&o.live, "live", false, "also try on AWS what can be tried for nothing and without a change: repeated reads, for some ten seconds, and the policy of --policy")
	cmd.Flags().StringArrayVar(&o.policies, "policy", nil, "with --live: a policy of the guard's role, in JSON, as `terraform output -raw policy` prints it; IAM is asked whether it allows every call. May be given several times")
	_ = cmd.MarkFlagFilename("policy", "json")
	cmd.Flags().BoolVar(&o.problems, "problems", false, "show only what is not as it should be")
	cmd.Flags().BoolVar(&o.fix, "fix", false, "show the changes that are safe, and make them after a yes")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "with --fix: do it without asking; needed without a terminal")
	return cmd
}

func runDoctor(ctx context.Context, s IO, o doctorOptions) error {
	if o.yes && !o.fix {
		return usageError("--yes: only together with --fix")
	}
	policies, err := o.readPolicies()
	if err != nil {
		return err
	}
	file, cfg, workloads, err := chosen(ctx, s, o.path, o.selection)
	if err != nil {
		return err
	}
	opts := doctor.Options{File: file, Workloads: workloads, AWS: cfg, Now: s.Now, Client: &http.Client{}, Policies: policies}
	if o.live {
		opts.Pause = control.Pause
	}
	if o.notify {
		opts.Try = func(ctx context.Context) []doctor.Tried {
			return tryReceivers(ctx, s, parts.Senders(cfg, file, slog.New(slog.DiscardHandler)), "")
		}
	}
	opts.Store, opts.StoreErr = openStore(ctx, file, reading)
	if opts.Store != nil {
		defer func() { _ = opts.Store.Close() }()
	}
	report, err := doctor.Run(ctx, opts)
	if err != nil {
		return err
	}
	if changes := report.Changes(); o.fix && len(changes) > 0 {
		if err := o.confirm(s, changes); err != nil {
			return err
		}
		if err := doctor.Apply(ctx, cfg, changes, func(c doctor.Change) { _, _ = fmt.Fprintln(s.Err, "done: "+visible(c.Text)) }); err != nil {
			return err
		}
		shown, err := until(ctx, fixPause, fixFor, func() (bool, error) {
			var err error
			report, err = doctor.Run(ctx, opts)
			return !doctor.Again(changes, report.Changes()), err
		})
		if err != nil {
			return err
		}
		if !shown {
			_, _ = fmt.Fprintln(s.Err, "AWS still shows what was before the change, as it may for some seconds; what follows is of then: run backstop doctor again")
		}
	} else if o.fix {
		_, _ = fmt.Fprintln(s.Err, "nothing can be fixed automatically; see the fix: lines")
	}
	if o.output == outputJSON {
		err = printJSON(s.Out, report)
	} else {
		err = printDoctor(s, o, &report)
	}
	if err == nil && !report.Healthy {
		return quiet(ExitUnhealthy)
	}
	return err
}

// policyMax bounds a policy's file, in bytes: a managed policy has 6,144 characters, and Terraform's output all of a role's in one.
const policyMax = 256 << 10

// readPolicies reads the documents of --policy.
func (o *doctorOptions) readPolicies() ([]string, error) {
	if len(o.policies) > 0 && !o.live {
		return nil, usageError("--policy: only together with --live")
	}
	var out []string
	for _, name := range o.policies {
		info, err := os.Stat(name)
		if err != nil {
			return nil, usageError("--policy: %w", err)
		}
		if info.Size() > policyMax {
			return nil, usageError("--policy: %s must be at most %d bytes (got %d)", name, policyMax, info.Size())
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, usageError("--policy: %w", err)
		}
		if !json.Valid(text) {
			return nil, usageError("--policy: %s is not JSON", name)
		}
		out = append(out, string(text))
	}
	return out, nil
}

// fixFor is how long doctor looks until AWS shows what it has changed, fixPause how long it waits between two looks: what
// is read right after a change may be what was before it, mostly for a second or two.
const (
	fixFor   = 5 * time.Second
	fixPause = time.Second
)

// confirm shows changes and asks, where there is a terminal.
func (o *doctorOptions) confirm(s IO, changes []doctor.Change) error {
	_, _ = fmt.Fprintln(s.Err, "these changes stop no task and start none:")
	for _, c := range changes {
		_, _ = fmt.Fprintln(s.Err, "  "+visible(c.Text))
	}
	return confirmed(s, "doctor --fix", o.yes)
}
