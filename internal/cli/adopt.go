package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/adopt"
	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
)

type adoptOptions struct {
	service  string
	list     bool
	cluster  string
	region   string
	twinName string
	output   string
}

func newAdoptCommand(s IO) *cobra.Command { return newAdopt(s, runAdopt) }

func newAdopt(s IO, run func(context.Context, IO, adoptOptions) error) *cobra.Command {
	var o adoptOptions
	cmd := &cobra.Command{
		Use:   "adopt SERVICE | --list",
		Short: "Show which services could run on Spot, and the way of one from on-demand to guarded",
		Long: "Adopt reads the services on Fargate and changes nothing. With --list it shows every one of them: its tasks, what Spot would save a month, what is in the way and what " +
			"takes it out of the way. For a SERVICE it prints the plan: make its on-demand twin, bring cover into service, move the service to Spot with scale-in held, give the cover " +
			"back, guard it; with the commands, the tasks and the costs after each step, and how each is undone. What cannot work is refused with the reason.",
		Example: "backstop adopt --list\nbackstop adopt --list --cluster prod -o json\nbackstop adopt web --cluster prod",
		Args:    atMost(1, "one SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.service = args[0]
			}
			switch {
			case o.list == (o.service != ""):
				return usageError("adopt: name a service, or say --list")
			case o.list && o.twinName != "":
				return usageError("--twin-name: only together with a SERVICE")
			case o.region != "" && !config.IsRegion(o.region):
				return usageError("--region %q: must have the form of AWS's regions, such as us-east-1", o.region)
			}
			return run(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.list, "list", false, "show every service on Fargate, those with the most in their way last")
	f.StringVar(&o.cluster, "cluster", "", "look at this cluster alone; without it at all of the region")
	f.StringVar(&o.region, "region", "", "look in this region; without it the AWS SDK's own")
	f.StringVar(&o.twinName, "twin-name", "", "name of the twin; without it the service's, -standard in place of -spot")
	outputFlag(cmd, &o.output)
	return cmd
}

func runAdopt(ctx context.Context, s IO, o adoptOptions) error {
	cfg, err := parts.LoadAWS(ctx, o.region)
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
		return printSurvey(s.Out, &l)
	}
	service, err := theService(found, "adopt", o.service)
	if err != nil {
		return err
	}
	p, err := adopt.PlanOf(found, service, o.twinName, cost.Table{})
	if refused, ok := errors.AsType[*adopt.RefusedError](err); ok {
		return &exitError{ExitRefused, refused}
	}
	if err != nil {
		return err
	}
	if o.output == outputJSON {
		return printJSON(s.Out, p)
	}
	return printPlan(s.Out, &p)
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
