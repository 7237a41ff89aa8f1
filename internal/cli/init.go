package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

type initOptions struct {
	cluster   string
	region    string
	output    string
	force     bool
	twin      string
	twinName  string
	terraform bool
}

func newInitCommand(s IO) *cobra.Command { return newInit(s, runInit) }

func newInit(s IO, run func(context.Context, IO, initOptions) error) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a configuration from the services that are there, or say what makes an on-demand twin",
		Long: "Init reads the services on Fargate, pairs each one on FARGATE_SPOT with its on-demand twin (by name: api-spot and api-standard, -ondemand, -od; or by " +
			"task definition family), and writes a commented configuration. It asks nothing, as all of it can be read, and changes nothing in AWS. With --twin it prints the " +
			"AWS CLI command, or with --terraform the resource, that makes the on-demand twin of a service, with no tasks. With --terraform alone it prints the Terraform that installs " +
			"Backstop as a Lambda function for all that it found, missing twins included.",
		Example: "backstop init\nbackstop init --cluster prod --output -\nbackstop init --twin api-spot --cluster prod\nbackstop init --twin api-spot --cluster prod --terraform > twin.tf\nbackstop init --terraform > backstop.tf",
		Args:    atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.twin == "" && o.twinName != "" {
				return usageError("--twin-name: only together with --twin SERVICE")
			}
			if o.twinName != "" && !ecsName.MatchString(o.twinName) {
				return usageError("--twin-name %q: must be letters, digits, - and _, at most 255", o.twinName)
			}
			if o.region != "" && !config.IsRegion(o.region) {
				return usageError("--region %q: must have the form of AWS's regions, such as us-east-1", o.region)
			}
			return run(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.cluster, "cluster", "", "look at this cluster alone; without it at all of the region")
	f.StringVar(&o.region, "region", "", "look in this region; without it the AWS SDK's own")
	f.StringVarP(&o.output, "output", "o", configDefault, "write to this file; - is stdout")
	f.BoolVar(&o.force, "force", false, "write over a file that is there")
	f.StringVar(&o.twin, "twin", "", "print what makes the on-demand twin of this service")
	f.StringVar(&o.twinName, "twin-name", "", "with --twin: its name; without it the service's, -standard in place of -spot")
	f.BoolVar(&o.terraform, "terraform", false, "print Terraform: with --twin that of the twin, else that of the whole installation")
	exclusive(cmd, "twin", "force")
	exclusive(cmd, "twin", "output")
	exclusive(cmd, "terraform", "force")
	exclusive(cmd, "terraform", "output")
	_ = cmd.MarkFlagFilename("output", "yaml", "yml")
	return cmd
}

func runInit(ctx context.Context, s IO, o initOptions) error {
	if o.twin == "" && !o.terraform && o.output != "-" && !o.force {
		if _, err := os.Lstat(o.output); err == nil {
			return refuse("%s is there; --force writes over it, --output names another file", o.output)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look for %s: %w", o.output, err)
		}
	}
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
	if o.twin != "" {
		return o.printTwin(s, found)
	}
	p := discover.Propose(found.Services)
	o.tell(s, found, p)
	if o.terraform {
		return printModule(s, found, p)
	}
	text := discover.YAML(found, p)
	if len(text) == 0 {
		return fmt.Errorf("no service has a pair of Spot and on-demand yet; nothing was written. %s on Fargate: backstop adopt --list", wording.Count(len(found.Services), "service"))
	}
	if _, err := config.Parse(text, configDefault); err != nil { // what it writes must be what it reads
		return fmt.Errorf("write configuration: it would not be valid: %w", err)
	}
	if o.output == "-" {
		_, err = s.Out.Write(text)
		return err
	}
	if err := writeNew(o.output, text, o.force); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.Err, "wrote %s; read it, then: backstop config validate && backstop doctor\n", o.output)
	return nil
}

// printModule prints the Terraform of the whole installation.
func printModule(s IO, found *discover.Found, p discover.Proposal) error {
	text, err := discover.Module(found, p)
	if err != nil {
		return err
	}
	if text == "" {
		return errors.New("there is no service on FARGATE_SPOT to guard; nothing was printed")
	}
	_, err = fmt.Fprint(s.Out, text)
	return err
}

// tell says what was found and what was not.
func (o *initOptions) tell(s IO, found *discover.Found, p discover.Proposal) {
	where := found.Region
	if o.cluster != "" {
		where = o.cluster + " in " + where
	}
	if len(p.Pairs)+len(p.Alone)+len(p.Mixed) == 0 {
		_, _ = fmt.Fprintf(s.Err, "none of %d services on Fargate in %s runs on FARGATE_SPOT: backstop adopt --list shows which could\n", len(found.Services), where)
	}
	for i := range p.Pairs {
		_, _ = fmt.Fprintf(s.Err, "%s: %s and %s, %s\n", p.Pairs[i].Name, p.Pairs[i].Spot.Name, p.Pairs[i].OnDemand.Name, p.Pairs[i].Why)
	}
	for i := range p.Alone {
		_, _ = fmt.Fprintf(s.Err, "%s runs on FARGATE_SPOT and has no twin: backstop init --twin %s --cluster %s prints what makes one\n", p.Alone[i].Name, p.Alone[i].Name, p.Alone[i].Cluster)
	}
	for i := range p.Mixed {
		_, _ = fmt.Fprintf(s.Err, "%s in %s mixes FARGATE and FARGATE_SPOT, which is not a fallback: left out; backstop adopt %s --cluster %s has the way to twins\n", p.Mixed[i].Name, p.Mixed[i].Cluster, p.Mixed[i].Name, p.Mixed[i].Cluster)
	}
}

// writeNew writes a file that is not there yet, or with over in place of one that is. Where the disk is full nothing is left of a new one, and an old one stays.
func writeNew(path string, text []byte, over bool) error {
	there, err := os.Stat(path)
	if over && (errors.Is(err, fs.ErrNotExist) || err == nil && there.Mode().IsRegular()) {
		return writeWhole(path, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if over { // a device
		flags = os.O_WRONLY
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		if !over {
			_ = os.Remove(path)
		}
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// printTwin prints what makes the twin of one service.
func (o *initOptions) printTwin(s IO, found *discover.Found) error {
	service, err := theService(found, "--twin", o.twin)
	if err != nil {
		return err
	}
	name := o.twinName
	if name == "" {
		name = discover.TwinName(o.twin)
	}
	if why := service.Refusal(); why != "" {
		return refuse("%s can have no twin: %s", o.twin, why)
	}
	if slices.ContainsFunc(found.Services, func(c discover.Service) bool { return c.Cluster == service.Cluster && c.Name == name }) {
		return refuse("%s is there already; --twin-name names another one", name)
	}
	for _, n := range service.Notes() {
		_, _ = fmt.Fprintln(s.Err, "note: "+n)
	}
	text, err := service.Command(found.Region, name)
	if o.terraform {
		text, err = service.Terraform(name)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.Out, strings.TrimSuffix(text, "\n")+"\n")
	return err
}
