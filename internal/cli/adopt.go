package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/adopt"
	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
)

type adoptOptions struct {
	service  string
	list     bool
	all      bool
	hcl      bool
	cluster  string
	region   string
	twinName string
	output   string
	apply    bool
	undo     bool
	yes      bool
	timeout  time.Duration
	every    time.Duration
	config   string
	tick     func(ctx context.Context) error // nil: the clock's
	scale    float64                         // of the limits of reads; 0: by AWS's clock
}

const (
	// adoptEvery is how long to wait between two looks, adoptFor how long adopt tries unless told otherwise.
	adoptEvery = 5 * time.Second
	adoptFor   = time.Hour
	// adoptLeast is the least real time between two looks at a sandbox whose clock runs fast.
	adoptLeast = 50 * time.Millisecond
)

func newAdoptCommand(s IO) *cobra.Command { return newAdopt(s, runAdopt) }

func newAdopt(s IO, run func(context.Context, IO, adoptOptions) error) *cobra.Command {
	o := adoptOptions{every: adoptEvery}
	cmd := &cobra.Command{
		Use:   "adopt SERVICE | --list | --all",
		Short: "Show which services could run on Spot, and the way of one from on-demand to guarded",
		Long: "Adopt reads the services on Fargate, and changes nothing without --apply or --undo. With --list it shows every one of them: its tasks, what Spot would save a month, what is in the way and what " +
			"takes it out of the way. For a SERVICE it prints the plan: make its on-demand twin, bring cover into service, move the service to Spot with scale-in held, give the cover " +
			"back, guard it; with the commands, the tasks and the costs after each step, and how each is undone; with --terraform what a user of Terraform applies instead. What cannot work is refused with the reason. " +
			"--apply carries the plan out and prints the configuration; --undo restores what was before and deletes the twin that adopt made. Both wait for tasks in service before each " +
			"step, and go on where they were when they are started again: a tag of the twin keeps what was before. With --all it is every service of the region or cluster, " +
			"one after another: what cannot be adopted is named and skipped, and it stops at the first that does not go as planned. Workloads of the configuration (--config) that have the service " +
			"are paused meanwhile.",
		Example: "backstop adopt --list\nbackstop adopt --list --cluster prod -o json\nbackstop adopt web --cluster prod\nbackstop adopt web --apply > web.yaml\nbackstop adopt web --undo\nbackstop adopt --all --cluster prod --apply > prod.yaml",
		Args:    atMost(1, "one SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.service = args[0]
			}
			switch {
			case o.list && o.all || (o.list || o.all) == (o.service != ""):
				return usageError("adopt: say one of SERVICE, --list and --all")
			case o.twinName != "" && o.service == "":
				return usageError("--twin-name: only together with a SERVICE")
			case o.twinName != "" && !ecsName.MatchString(o.twinName):
				return usageError("--twin-name %q: must be letters, digits, - and _, at most 255", o.twinName)
			case o.hcl && (o.service == "" || o.apply || o.undo || o.output == outputJSON):
				return usageError("--terraform: only together with a SERVICE, and without --apply, --undo and --output json")
			case o.list && (o.apply || o.undo):
				return usageError("--apply and --undo: only together with a SERVICE or --all")
			case (o.apply || o.undo) && o.output == outputJSON:
				return usageError("--output json: not together with --apply or --undo")
			case o.yes && !o.apply && !o.undo:
				return usageError("--yes: only together with --apply or --undo")
			case o.timeout <= 0:
				return usageError("--timeout %s: must be above 0", o.timeout)
			case o.region != "" && !config.IsRegion(o.region):
				return usageError("--region %q: must have the form of AWS's regions, such as us-east-1", o.region)
			}
			return run(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.list, "list", false, "show every service on Fargate, those with the most in their way last")
	f.BoolVar(&o.hcl, "terraform", false, "print what a user of Terraform applies instead, in the order of the plan")
	f.BoolVar(&o.all, "all", false, "every service that can be adopted, one after another; with --undo every one that was")
	f.StringVar(&o.cluster, "cluster", "", "look at this cluster alone; without it at all of the region")
	f.StringVar(&o.region, "region", "", "look in this region; without it the AWS SDK's own")
	f.StringVar(&o.twinName, "twin-name", "", "name of the twin; without it the service's, -standard in place of -spot")
	f.BoolVar(&o.apply, "apply", false, "carry the plan out; the configuration goes to stdout, what is done to stderr")
	f.BoolVar(&o.undo, "undo", false, "restore what was before the service was adopted")
	f.BoolVarP(&o.yes, "yes", "y", false, "do it without asking; needed without a terminal")
	f.DurationVar(&o.timeout, "timeout", adoptFor, "with --apply or --undo: how long to wait for tasks to come into service, for each service")
	configFlag(cmd, s, &o.config)
	outputFlag(cmd, &o.output)
	exclusive(cmd, "apply", "undo")
	return cmd
}

func runAdopt(ctx context.Context, s IO, o adoptOptions) error {
	cfg, err := session.Load(ctx, o.region)
	if err != nil {
		return err
	}
	if cfg.Region == "" {
		return usageError("no region is known: name one with --region, or set AWS_REGION")
	}
	found, err := findServices(ctx, cfg, o.cluster)
	if err != nil {
		return err
	}
	for _, u := range found.Unread {
		say(s.Err, "unknown: %s", u)
	}
	if o.list {
		l := adopt.Survey(found, o.cluster, cost.Table{})
		if o.output == outputJSON {
			return printJSON(s.Out, l)
		}
		return printSurvey(s.Out, &l, s.Width)
	}
	if o.all {
		return o.everyone(ctx, s, cfg, found)
	}
	service, err := theService(found, "adopt", o.service)
	if err != nil {
		return err
	}
	if o.apply || o.undo {
		return o.carryOut(ctx, s, cfg, found, service)
	}
	p, err := adopt.PlanOf(found, service, o.twinName, cost.Table{})
	if refused, ok := errors.AsType[*adopt.RefusedError](err); ok {
		return &exitError{ExitRefused, refused}
	}
	if err != nil {
		return err
	}
	if o.hcl {
		text, err := p.Terraform(service)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(s.Out, text)
		return err
	}
	if o.output == outputJSON {
		return printJSON(s.Out, p)
	}
	return printPlan(s.Out, &p)
}

// carryOut carries a plan out, or undoes it.
func (o *adoptOptions) carryOut(ctx context.Context, s IO, cfg aws.Config, found *discover.Found, service *discover.Service) error {
	name, begun := adopt.TwinOf(found, service, o.twinName)
	if !begun && o.apply {
		p, err := adopt.PlanOf(found, service, o.twinName, cost.Table{})
		if refused, ok := errors.AsType[*adopt.RefusedError](err); ok {
			return &exitError{ExitRefused, refused}
		}
		if err != nil {
			return err
		}
		for i := range p.Steps {
			say(s.Err, "%d. %s", i+1, p.Steps[i].Does)
		}
	}
	member := adopt.Member{Cluster: service.Cluster, Service: service.Name, Twin: name, Turn: adopt.ToAdopt}
	what := "adopt it with the twin " + name
	switch {
	case o.undo:
		member.Turn = adopt.ToUndo
		what = "restore what was before it was adopted with the twin " + name
	case begun:
		what = "go on with the adoption that has begun, with the twin " + name
	}
	say(s.Err, "%s: %s", service.Name, what)
	if err := confirmed(s, "adopt", o.yes); err != nil {
		return err
	}
	guard, err := o.guardOf(ctx, s, cfg.Region)
	if err != nil {
		return err
	}
	defer guard.close()
	err = guard.around(ctx, cfg.Region, &member, func() error {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		return adopt.Application{AWS: cfg, Service: service, Twin: name, Say: func(text string) { say(s.Err, "%s: %s", service.Name, text) }, Wait: o.wait, Scale: o.scale}.Run(ctx, o.undo)
	})
	if refused, ok := errors.AsType[*adopt.RefusedError](err); ok {
		return &exitError{ExitRefused, refused}
	}
	if err != nil || o.undo {
		if err == nil {
			say(s.Err, "%s: as it was before", service.Name)
		}
		return err
	}
	return o.configured(ctx, s, cfg, service.Name, name)
}

// wait lets time go by between two looks, by AWS's clock.
func (o *adoptOptions) wait(ctx context.Context, speed float64) error {
	if o.tick != nil {
		return o.tick(ctx)
	}
	return control.Pause(ctx, max(scaled(o.every, speed), adoptLeast))
}

// configured prints the configuration of what was adopted.
func (o *adoptOptions) configured(ctx context.Context, s IO, cfg aws.Config, service, twin string) error {
	found, err := findServices(ctx, cfg, o.cluster)
	if err != nil {
		return err
	}
	adopted, err := theService(found, "adopt", service)
	if err != nil {
		return err
	}
	p, err := adopt.PlanOf(found, adopted, twin, cost.Table{})
	if err != nil {
		return err
	}
	say(s.Err, "%s: adopted; nothing covers what Spot takes until the configuration is in use with the preset fill", service)
	if _, err = fmt.Fprint(s.Out, p.Configuration); err != nil {
		return fmt.Errorf("write the configuration of %s: %w; it is adopted: the same command prints it again", service, err)
	}
	return nil
}

// theService returns the one service of a name; what names the flag or command that it was given to.
func theService(found *discover.Found, what, name string) (*discover.Service, error) {
	var of []*discover.Service
	var names []string
	for i := range found.Services {
		names = append(names, found.Services[i].Name)
		if found.Services[i].Name == name {
			of = append(of, &found.Services[i])
		}
	}
	switch {
	case len(of) == 0:
		return nil, usageError("%s: there is no service %s on Fargate in %s; there are: %s", what, name, found.Region, strings.Join(names, ", "))
	case len(of) > 1:
		return nil, usageError("%s: %s is in the clusters %s and %s; name one with --cluster", what, name, of[0].Cluster, of[1].Cluster)
	}
	return of[0], nil
}
