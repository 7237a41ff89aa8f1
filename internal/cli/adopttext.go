package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/backstop-ecs/backstop/internal/adopt"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// unknownText stands for a number that is not known.
const unknownText = "unknown"

// printSurvey writes what could be adopted as a table, and below it what is in the way.
func printSurvey(w io.Writer, l *adopt.List) error {
	where := l.Region
	if l.Cluster != "" {
		where = l.Cluster + " in " + where
	}
	if len(l.Services) == 0 {
		_, err := fmt.Fprintf(w, "no service on Fargate in %s\n", where)
		return err
	}
	rows := [][]string{{"SERVICE", "CLUSTER", "TASKS", "CAPACITY", "SAVES A MONTH", "IN THE WAY", "NEXT"}}
	for i := range l.Services {
		r := &l.Services[i]
		rows = append(rows, []string{r.Service, r.Cluster, strconv.Itoa(r.Tasks), r.Capacity, monthly(r), inTheWay(r), dash(r.Next)})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	for i := range l.Services {
		r := &l.Services[i]
		for _, o := range r.Obstacles {
			if o.Weight != adopt.Note {
				say(w, "\n%s: %s", r.Service, o.What)
				say(w, "  fix: %s", o.Fix)
			}
		}
	}
	_, err := fmt.Fprintf(w, "\n%s on Fargate in %s; those that nothing blocks would save about %s a month (estimate: %s, today's number of tasks, all on Spot)\n",
		wording.Count(len(l.Services), "service"), where, usd(l.Saves), l.Prices)
	return err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// monthly is what Spot would save with a service.
func monthly(r *adopt.Row) string {
	switch {
	case r.State == adopt.Twin:
		return "-"
	case r.Saves == nil:
		return unknownText
	case r.Capacity == adopt.OnSpot:
		return "on Spot already"
	}
	return "about " + usd(*r.Saves)
}

// inTheWay names the worst obstacles of a service.
func inTheWay(r *adopt.Row) string {
	switch {
	case r.State == adopt.Twin:
		return "stands by for " + r.Of
	case len(r.Obstacles) == 0 && r.State == adopt.Paired:
		return "has the twin " + r.Twin
	case len(r.Obstacles) == 0:
		return "-"
	}
	var all []string
	for _, o := range r.Obstacles {
		if o.Weight == r.Obstacles[0].Weight { // the worst come first
			all = append(all, o.Short)
		}
	}
	if r.State == adopt.Paired {
		all = append(all, "has the twin "+r.Twin)
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
