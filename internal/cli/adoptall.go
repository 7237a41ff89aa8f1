package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/adopt"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// everyone plans for all services, and carries that out where it is to be.
func (o *adoptOptions) everyone(ctx context.Context, s IO, cfg aws.Config, found *discover.Found) error {
	f := adopt.FleetOf(found, o.cluster, cost.Table{}, o.undo)
	if !o.apply && !o.undo {
		if o.output == outputJSON {
			return printJSON(s.Out, f)
		}
		return o.printFleet(s.Out, &f, s.Width)
	}
	if err := o.printFleet(s.Err, &f, s.asked().Width); err != nil {
		return err
	}
	todo := f.Todo()
	if len(todo) > 0 {
		if err := confirmed(s, "adopt", o.yes); err != nil {
			return err
		}
	}
	guard, err := o.guardOf(ctx, s, cfg.Region)
	if err != nil {
		return err
	}
	defer guard.close()
	around := func(ctx context.Context, m *adopt.Member, run func() error) error {
		return guard.around(ctx, cfg.Region, m, run)
	}
	done, err := adopt.Campaign{AWS: cfg, Cluster: o.cluster, For: o.timeout, Wait: o.wait, Scale: o.scale, Around: around, Say: func(m *adopt.Member, text string) { say(s.Err, "%s: %s", m.Service, text) }}.Run(ctx, todo)
	say(s.Err, "%d of %s done", len(done), wording.Count(len(todo), "service"))
	if o.undo {
		return o.stopped(err)
	}
	return errors.Join(o.stopped(err), o.configuredAll(ctx, s, cfg))
}

// stopped is the error of a campaign that was not done.
func (o *adoptOptions) stopped(err error) error {
	if refused, ok := errors.AsType[*adopt.RefusedError](err); ok {
		return &exitError{ExitRefused, refused}
	}
	if err != nil {
		return fmt.Errorf("%w; the services before it are done, those after it are as they were: started again, it goes on", err)
	}
	return nil
}

// configuredAll prints the configuration of all that has a twin: also of a campaign that has stopped, as what it adopted has no cover without.
func (o *adoptOptions) configuredAll(ctx context.Context, s IO, cfg aws.Config) error {
	found, err := findServices(ctx, cfg, o.cluster)
	if err != nil {
		return err
	}
	text := adopt.Configuration(found)
	if text == "" {
		return nil
	}
	say(s.Err, "nothing covers what Spot takes until the configuration is in use with the preset fill")
	if _, err = fmt.Fprint(s.Out, text); err != nil {
		return fmt.Errorf("write the configuration: %w; the same command prints it again", err)
	}
	return nil
}

// printFleet writes what becomes of all services, and what is left as it is. width 0 is no terminal.
func (o *adoptOptions) printFleet(w io.Writer, f *adopt.Fleet, width int) error {
	where := placeOf(f.Cluster, f.Region)
	switch {
	case len(f.Services) == 0 && o.undo:
		say(w, "no service in %s is to be undone: none has a twin with the tag %s", where, adopt.TagKey)
	case len(f.Services) == 0:
		say(w, "no service in %s can be adopted", where)
	default:
		rows := [][]string{{"SERVICE", "CLUSTER", "TURN", "ON-DEMAND", "SPOT", "COVER", "$ AN HOUR", "THEN"}}
		for i := range f.Services {
			m := &f.Services[i]
			rows = append(rows, []string{m.Service, m.Cluster, string(m.Turn), change(m.Now.OnDemand, m.Then.OnDemand), change(m.Now.Spot, m.Then.Spot), strconv.Itoa(m.Cover), hourly(m.USDPerHour), hourly(m.USDPerHourThen)})
		}
		rows = append(rows, []string{"in all", "", strconv.Itoa(len(f.Todo())), change(f.Now.OnDemand, f.Then.OnDemand), change(f.Now.Spot, f.Then.Spot), strconv.Itoa(f.Cover), hourly(&f.USDPerHour), hourly(&f.USDPerHourThen)})
		if err := table(w, withoutColumns(rows, f, width)); err != nil {
			return err
		}
		prose(w, width, "\nOne after another: COVER is what runs in a twin while it is the service's turn, %s at a time at most. Prices: %s.", wording.Count(f.Cover, "task"), f.Prices)
	}
	if f.Unpriced > 0 {
		prose(w, width, "What %s cost%s is unknown, and not in the sum.", wording.Count(f.Unpriced, "service"), wording.Verb(f.Unpriced, "s", ""))
	}
	for _, l := range f.Skipped {
		prose(w, width, "\n%s in %s is left as it is: %s", l.Service, l.Cluster, l.Why)
		say(w, "  fix: %s", l.Fix)
	}
	if !o.apply && !o.undo {
		prose(w, width, "\nNothing was changed. The steps of one: backstop adopt SERVICE; to carry all of it out: --all --apply")
	}
	return nil
}

// withoutColumns takes out of the rows of a fleet what does not fit the terminal: the cluster where all are in one, then the prices, then the turn.
func withoutColumns(rows [][]string, f *adopt.Fleet, width int) [][]string {
	drops := []string{"$ AN HOUR", "THEN", "TURN"}
	if !slices.ContainsFunc(f.Services, func(m adopt.Member) bool { return m.Cluster != f.Services[0].Cluster }) {
		drops = append([]string{"CLUSTER"}, drops...)
	}
	for _, name := range drops {
		if width <= 0 || breadth(rows) <= width {
			break
		}
		c := slices.Index(rows[0], name)
		for i := range rows {
			rows[i] = slices.Delete(slices.Clone(rows[i]), c, c+1)
		}
	}
	return rows
}

// change writes two counts as one where they are the same.
func change(now, then int) string {
	if now == then {
		return strconv.Itoa(now)
	}
	return fmt.Sprintf("%d -> %d", now, then)
}

func hourly(amount *float64) string {
	if amount == nil {
		return unknownText
	}
	return fmt.Sprintf("%.4f", *amount)
}
