package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/backstop-ecs/backstop/internal/adopt"
	tui "github.com/backstop-ecs/backstop/internal/term"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// unknownText stands for a number that is not known.
const unknownText = "unknown"

// fixMax is how long a command may be in the list, in characters: a scaling policy of a thousand stands in the plan of its service.
const fixMax = 240

// printSurvey writes what could be adopted as a table, and below it once what is in the way of several. width 0 is no terminal.
func printSurvey(w io.Writer, l *adopt.List, width int) error {
	if len(l.Services) == 0 {
		_, err := fmt.Fprintf(w, "no service on Fargate in %s\n", placeOf(l.Cluster, l.Region))
		return err
	}
	cluster := l.Services[0].Cluster
	if slices.ContainsFunc(l.Services, func(r adopt.Row) bool { return r.Cluster != cluster }) {
		cluster = ""
	}
	head := []string{"SERVICE", "CLUSTER", "TASKS", "CAPACITY", "SAVES A MONTH", "STATE", "IN THE WAY"}
	drop := map[string]bool{"CLUSTER": cluster != "", "CAPACITY": width > 0 && width < widthMedium, "STATE": width > 0 && width < widthFull}
	rows := [][]string{slices.DeleteFunc(slices.Clone(head), func(c string) bool { return drop[c] })}
	for i := range l.Services {
		r := &l.Services[i]
		cells := map[string]string{"SERVICE": r.Service, "CLUSTER": r.Cluster, "TASKS": strconv.Itoa(r.Tasks), "CAPACITY": r.Capacity, "SAVES A MONTH": monthly(r), "STATE": stateOf(r), "IN THE WAY": orDash(inTheWay(r))}
		var row []string
		for _, c := range rows[0] {
			row = append(row, cells[c])
		}
		rows = append(rows, row)
	}
	if width > 0 {
		fit(rows, width, 0)
	}
	if err := table(w, rows); err != nil {
		return err
	}
	printObstacles(w, l, width)
	saves := fmt.Sprintf("those that nothing blocks would save about %s a month (estimate: %s, today's number of tasks, all on Spot)", usd(l.Saves), l.Prices)
	if l.Saves == 0 && !slices.ContainsFunc(l.Services, func(r adopt.Row) bool { return r.State != adopt.Blocked && r.Saves == nil }) {
		saves = "there is nothing left to save with those that nothing blocks"
	}
	prose(w, width, "\n%s on Fargate in %s; %s", wording.Count(len(l.Services), "service"), placeOf(cluster, l.Region), saves)
	say(w, "The plan of one: backstop adopt SERVICE --cluster %s", cmp.Or(cluster, "CLUSTER"))
	return nil
}

// placeOf is a region, or one cluster in it.
func placeOf(cluster, region string) string {
	if cluster == "" {
		return region
	}
	return cluster + " in " + region
}

// prose writes a sentence, broken at the terminal's width.
func prose(w io.Writer, width int, format string, args ...any) {
	for _, line := range tui.Wrap(strings.Split(fmt.Sprintf(format, args...), "\n"), width) {
		say(w, "%s", line)
	}
}

// stateOf says how far a service is.
func stateOf(r *adopt.Row) string {
	switch r.State {
	case adopt.Twin:
		return "twin of " + r.Of
	case adopt.Paired:
		return "has a twin"
	case adopt.Blocked:
		return "blocked"
	}
	return string(r.State)
}

// shared is one thing that is in the way of services.
type shared struct {
	adopt.Obstacle
	of []*adopt.Row
}

// printObstacles says what is in the way, what blocks first, and once of all services that have it; what has only to be known stands in the plan.
func printObstacles(w io.Writer, l *adopt.List, width int) {
	var all []shared
	for _, weight := range []adopt.Weight{adopt.Blocks, adopt.Advice} {
		for i := range l.Services {
			r := &l.Services[i]
			for _, o := range r.Obstacles {
				if o.Weight != weight {
					continue
				}
				k := slices.IndexFunc(all, func(s shared) bool { return s.Weight == weight && s.Short == o.Short })
				if k < 0 {
					all = append(all, shared{Obstacle: o})
					k = len(all) - 1
				}
				if of := all[k].of; len(of) == 0 || of[len(of)-1] != r {
					all[k].of = append(of, r)
				}
			}
		}
	}
	for i := range all {
		o := &all[i]
		first, fix := o.of[0], o.Fix
		own := "backstop adopt " + wording.Shell(first.Service) + " --cluster " + wording.Shell(first.Cluster)
		if len(fix) > fixMax {
			fix = own + "   # prints the command"
		}
		if len(o.of) == 1 {
			prose(w, width, "\n%s: %s", first.Service, o.What)
			say(w, "  fix: %s", fix)
			continue
		}
		var names []string
		for _, r := range o.of {
			names = append(names, r.Service)
		}
		prose(w, width, "\n%s: %s", o.Short, wording.Some(names))
		prose(w, width, "  %s: %s", first.Service, o.What)
		say(w, "  fix: %s", fix)
	}
}

// monthly is what Spot would save with a service, which one that is on Spot already does.
func monthly(r *adopt.Row) string {
	switch {
	case r.State == adopt.Twin, r.Saves != nil && r.Capacity == adopt.OnSpot:
		return "-"
	case r.Saves == nil:
		return unknownText
	}
	return usd(*r.Saves)
}

// inTheWay names the worst obstacles of a service; what has only to be known is none.
func inTheWay(r *adopt.Row) string {
	var all []string
	for _, o := range r.Obstacles {
		if o.Weight == r.Obstacles[0].Weight && o.Weight != adopt.Note && !slices.Contains(all, o.Short) { // the worst come first
			all = append(all, o.Short)
		}
	}
	return strings.Join(all, ", ")
}

// printPlan writes a plan: the counts and costs of every step, then how each is done and undone.
func printPlan(w io.Writer, p *adopt.Plan) error {
	say(w, "%s in %s, %s: the way to a guarded workload. Nothing was changed.", p.Service, p.Cluster, p.Region)
	switch {
	case p.Saves == nil:
		say(w, "What Spot saves is unknown: %s.\n", p.Unknown)
	case p.Now.OnDemand == 0 && p.Now.Spot > 0:
		say(w, "It is on Spot already: nothing more is saved.\n")
	default:
		say(w, "Spot would save about %s a month (estimate: %s, %s, all on Spot).\n", usd(*p.Saves), p.Prices, wording.Count(p.Tasks, "task"))
	}
	rows := [][]string{{"STEP", "ON-DEMAND", "SPOT", "COVER", "$ AN HOUR"}, counted("now", &p.Now, p.Mixed, p.USDPerHour)}
	moved := false // the counts are exact from then on
	for i := range p.Steps {
		st := &p.Steps[i]
		moved = moved || st.Name == adopt.StepMove
		rows = append(rows, counted(fmt.Sprintf("%d %s", i+1, st.Name), &st.After, p.Mixed && !moved, st.USDPerHour))
	}
	if err := table(w, rows); err != nil {
		return err
	}
	for _, o := range p.Obstacles {
		say(w, "\n%s: %s\n  %s", o.Weight, o.What, o.Fix)
	}
	for i := range p.Steps {
		printStep(w, i+1, &p.Steps[i])
	}
	_, err := fmt.Fprintf(w, "\nThe configuration:\n\n%s\nTo undo: the undo of each step, the last one first.\n", p.Configuration)
	return err
}

// counted is a row of the tasks of both services and what they cost; where a strategy mixes both kinds of capacity, its split is an estimate.
func counted(name string, c *adopt.Counts, estimated bool, perHour *float64) []string {
	sign, usd := "", unknownText
	if estimated {
		sign = "~"
	}
	if perHour != nil {
		usd = fmt.Sprintf("%s%.4f", sign, *perHour)
	}
	return []string{name, sign + strconv.Itoa(c.OnDemand), sign + strconv.Itoa(c.Spot), strconv.Itoa(c.Twin), usd}
}

func printStep(w io.Writer, n int, st *adopt.Step) {
	say(w, "\n%d. %s", n, wording.UpperFirst(st.Does))
	for _, c := range st.Commands {
		for _, line := range strings.Split(c, "\n") { // JSON has several
			say(w, "     %s", line)
		}
	}
	if st.Wait != "" {
		say(w, "   wait until %s", st.Wait)
	}
	for _, c := range st.Undo {
		say(w, "   undo: %s", c)
	}
}
