package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// Forms of the answer.
const (
	outputText = "text"
	outputJSON = "json"
)

// choice is a flag that takes one of a few words.
type choice struct {
	value  *string
	values []string
}

func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set implements pflag.Value.
func (c choice) Set(v string) error {
	if !slices.Contains(c.values, v) {
		return fmt.Errorf("must be one of %s", strings.ReplaceAll(c.Type(), "|", ", "))
	}
	*c.value = v
	return nil
}

// Type implements pflag.Value; the help shows it.
func (c choice) Type() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(c.values), func(v string) bool { return v == "" }), "|")
}

func choiceFlag(cmd *cobra.Command, to *string, name, short, initial string, values []string, usage string) {
	*to = initial
	cmd.Flags().VarP(choice{to, values}, name, short, usage)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func outputFlag(cmd *cobra.Command, to *string) {
	choiceFlag(cmd, to, "output", "o", outputText, []string{outputText, outputJSON}, "form of the answer; json is documented in docs/json.md")
}

// printJSON writes one value with indentation, as the whole answer.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table writes rows in columns with no decoration, their text made visible. The first row is the heading.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i := range r {
			cells[i] = visible(r[i])
		}
		if _, err := fmt.Fprintln(t, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}
