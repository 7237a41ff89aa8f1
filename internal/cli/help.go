package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// helpWidthMax is how wide a help is at most: longer lines are hard to read. Where there is no terminal it is as wide.
	helpWidthMax, helpWidthMin = 110, 40
	// helpKeyMax is how wide the column of flags and commands is at most; what is longer has its text in the next line.
	helpKeyMax = 36
	helpIndent = "    "
	// choicesMax is how many letters of choices stand beside a flag; more are in its text.
	choicesMax = 20
)

// help prints what a command is for and takes. It asks the terminal nothing: bold and the terminal's own cyan can be
// read on light and on dark.
type help struct {
	w     io.Writer
	width int
	color bool
}

func newHelp(s IO) *help {
	width := helpWidthMax
	if s.OutTerminal && s.Width > 0 {
		width = max(min(s.Width, helpWidthMax), helpWidthMin)
	}
	return &help{w: s.Out, width: width, color: s.color()}
}

// helpRow is a flag or a command, and what it does.
type helpRow struct{ key, text string }

// print writes the whole help of a command.
func (h *help) print(cmd *cobra.Command) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	_, _ = fmt.Fprintln(h.w)
	h.lines("  ", strings.Join(wrap(text, h.width-2), "\n"))
	h.heading("usage")
	h.lines(helpIndent, usageOf(cmd))
	if cmd.Example != "" {
		h.heading("examples")
		h.lines(helpIndent, cmd.Example)
	}
	groups, flags := commandRows(cmd), flagRows(cmd)
	column := 0
	for _, rows := range append(groups, helpGroup{rows: flags}) {
		for _, r := range rows.rows {
			if n := utf8.RuneCountInString(r.key); n <= helpKeyMax {
				column = max(column, n)
			}
		}
	}
	for _, g := range groups {
		h.heading(g.title)
		h.rows(g.rows, column)
	}
	if len(flags) > 0 {
		h.heading("flags")
		h.rows(flags, column)
	}
	_, _ = fmt.Fprintln(h.w)
}

func (h *help) heading(text string) {
	_, _ = fmt.Fprintf(h.w, "\n  %s\n\n", h.paint("1", strings.ToUpper(text)))
}

func (h *help) lines(indent, text string) {
	for line := range strings.Lines(text) {
		_, _ = fmt.Fprintln(h.w, strings.TrimRight(indent+line, " \n"))
	}
}

// rows writes two columns; the second is wrapped.
func (h *help) rows(rows []helpRow, column int) {
	left := len(helpIndent) + column + 2
	for _, r := range rows {
		text := wrap(r.text, max(h.width-left, helpWidthMin/2))
		gap := column - utf8.RuneCountInString(r.key)
		if gap < 0 { // too long for the column
			_, _ = fmt.Fprintln(h.w, helpIndent+h.paint("36", r.key))
		} else {
			_, _ = fmt.Fprintln(h.w, helpIndent+h.paint("36", r.key)+strings.Repeat(" ", gap+2)+text[0])
			text = text[1:]
		}
		for _, line := range text {
			_, _ = fmt.Fprintln(h.w, strings.Repeat(" ", left)+line)
		}
	}
}

// wrap breaks a text at its spaces. What is longer than a line stays whole: people copy it.
func wrap(text string, width int) []string {
	out := []string{""}
	for _, word := range strings.Fields(text) {
		line := &out[len(out)-1]
		switch {
		case *line == "":
			*line = word
		case utf8.RuneCountInString(*line)+1+utf8.RuneCountInString(word) > width:
			out = append(out, word)
		default:
			*line += " " + word
		}
	}
	return out
}

func (h *help) paint(code, text string) string {
	if !h.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func usageOf(cmd *cobra.Command) string {
	text := strings.TrimSuffix(cmd.UseLine(), " [flags]")
	if cmd.HasAvailableSubCommands() {
		text += " COMMAND"
	}
	return text + " [--flags]"
}

// helpGroup is some commands under a heading.
type helpGroup struct {
	title string
	rows  []helpRow
}

// commandRows lists the subcommands, in the order of the groups.
func commandRows(cmd *cobra.Command) []helpGroup {
	groups, at := []helpGroup{{title: "commands"}}, map[string]int{}
	for _, g := range cmd.Groups() {
		at[g.ID] = len(groups)
		groups = append(groups, helpGroup{title: g.Title})
	}
	for _, c := range cmd.Commands() {
		if !c.Hidden && (c.IsAvailableCommand() || c.Name() == "help") {
			i := at[c.GroupID]
			groups[i].rows = append(groups[i].rows, helpRow{c.Use, c.Short})
		}
	}
	out := groups[:0]
	for _, g := range groups {
		if len(g.rows) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// flagRows lists the flags with what they take and what they are without being given.
func flagRows(cmd *cobra.Command) []helpRow {
	var out []helpRow
	add := func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		key := "    --" + f.Name
		if f.Shorthand != "" {
			key = "-" + f.Shorthand + ", --" + f.Name
		}
		value, text := placeholder(f), f.Usage
		if of, ok := f.Value.(choice); ok && value == "" {
			value, text = "WORD", text+": "+strings.Join(of.values, ", ")
		}
		switch {
		case value != "" && f.NoOptDefVal != "":
			key, text = key+"[="+value+"]", text+" (without a value "+f.NoOptDefVal+")"
		case value != "":
			key += " " + value
		}
		switch f.DefValue {
		case "", "0", "0s", "false", "[]":
		default:
			text += " (default " + f.DefValue + ")"
		}
		out = append(out, helpRow{key, text})
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return out
}

// placeholder is what stands for the value of a flag, empty for a switch and for choices that are too many to stand there.
func placeholder(f *pflag.Flag) string {
	if of, ok := f.Value.(choice); ok {
		if text := of.Type(); len(text) <= choicesMax {
			return text
		}
		return ""
	}
	if text, ok := placeholders[f.Name]; ok && f.Value.Type() != "bool" {
		return text
	}
	return map[string]string{"string": "TEXT", "stringSlice": "TEXT,...", "stringArray": "TEXT", "int": "N", "uint64": "N", "float64": "NUMBER",
		"duration": "DURATION"}[f.Value.Type()]
}

// placeholders are those that say more than the type, by the name of the flag.
var placeholders = map[string]string{
	"addr": "HOST:PORT", "http": "HOST:PORT", "config": "FILE", "out": "PATH", "picture": "FILE", "write": "FILE", "trace": "FILE", "like": "REGION", "events": "FILE,...", "service": "CLUSTER/SERVICE", "since": "TIME", "until": "TIME",
	"pool": "POOL", "cluster": "CLUSTER", "label": "NAME=VALUE,...", "region": "REGION", "workload": "WORKLOAD,...", "kind": "KIND,...", "twin": "SERVICE", "twin-name": "SERVICE",
	"set": "FIELD=VALUE", "sweep": "FIELD=VALUES", "start-up": "P50,P95,P99", "warm-up": "P50,P99", "policy": "POLICY,...", "on-demand-rate": "VCPU/GB",
}
