package cli

import (
	"fmt"
	"io"
	"strings"
)

// printVerifyPlan writes a plan as text.
func printVerifyPlan(w io.Writer, p *verifyPlan) error {
	rows := [][]string{{"EXPERIMENT", "ROWS", "MINUTES", "USD", "DOES"}}
	for i := range p.Experiments {
		e := &p.Experiments[i]
		rows = append(rows, []string{fmt.Sprintf("%d %s", e.Number, e.Name), strings.Join(e.Rows, " "), fmt.Sprintf("up to %d", e.Minutes), fmt.Sprintf("up to %.2f", e.USD), e.Does})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "\nAt most $%.2f in %s: $%.2f for the experiments, and $%.2f for %d tasks until the dead man's switch acts, if the program dies. Spot is reckoned at the on-demand price. "+
		"Up to %g vCPU at a time.\n\nIt makes, and takes away again:\n\n", p.Bound.Total, p.Region, p.Bound.Experiments, p.Bound.Switch, p.Bound.Tasks, p.Bound.VCPU)
	rows = [][]string{{"KIND", "NAME", "CALLS"}}
	for _, r := range p.Resources {
		rows = append(rows, []string{r.Kind, r.Name, r.Calls})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w, "\nCalls of the experiments:")
	for i := range p.Experiments {
		_, _ = fmt.Fprintf(w, "  %d: %s\n", p.Experiments[i].Number, strings.Join(p.Experiments[i].Calls, ", "))
	}
	_, err := fmt.Fprintf(w, "\nPolicy of the person who runs it:\n\n%s\n\nPolicy of the switch's role (--switch-role):\n\n%s\n\nTrust policy of that role:\n\n%s\n", p.Policies.Operator, p.Policies.Switch, p.Policies.Trust)
	return err
}
