package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

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

// fitted is table for a terminal: where the columns do not fit, they become rows, in as many blocks as it takes. width 0 is no terminal.
func fitted(w io.Writer, rows [][]string, width int) error {
	if width <= 0 || breadth(rows) <= width {
		return table(w, rows)
	}
	for from := 1; from < len(rows); {
		to := len(rows)
		for to > from+1 && breadth(turned(rows, from, to)) > width {
			to--
		}
		if err := table(w, turned(rows, from, to)); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// turned makes a column of the heading and of each of some rows.
func turned(rows [][]string, from, to int) [][]string {
	out := make([][]string, len(rows[0]))
	for c := range out {
		out[c] = []string{"  " + strings.TrimSpace(rows[0][c])}
		for _, r := range rows[from:to] {
			out[c] = append(out[c], strings.TrimSpace(r[c]))
		}
	}
	return out
}

// breadth is how wide a table is.
func breadth(rows [][]string) int {
	sum := 0
	for c := range rows[0] {
		most := 0
		for _, r := range rows {
			most = max(most, utf8.RuneCountInString(visible(r[c])))
		}
		sum += most + 2
	}
	return sum - 2
}

// writeWhole writes a file beside its place and moves it there, so that a reader never sees half of it, and an older one stays until the new one is whole.
// Who may read the older one may read the new one, and nobody else.
func writeWhole(path string, write func(w io.Writer) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := os.FileMode(0o644)
	if old, err := os.Stat(path); err == nil {
		mode = old.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".backstop-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	err = write(tmp)
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), mode)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if at, ok := errors.AsType[*os.PathError](err); ok {
		err = at.Err // not with the name of the file that it would have been moved from
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
