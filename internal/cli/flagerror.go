package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says in plain words what is wrong with a flag. The library's own words are those of the functions that it
// reads numbers with.
func flagError(cmd *cobra.Command, err error) error {
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return usageError("%s", invalidValue(wrong))
	}
	if lacks, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usageError("--%s: needs a value", lacks.GetFlag().Name)
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return usageError("%s", unknownFlag(cmd, unknown))
	}
	return &exitError{ExitUsage, err}
}

func invalidValue(e *pflag.InvalidValueError) string {
	f, text := e.GetFlag(), e.GetValue()
	var number *strconv.NumError
	if errors.As(e, &number) && errors.Is(number.Err, strconv.ErrRange) {
		return fmt.Sprintf("--%s: %q is out of range", f.Name, text)
	}
	switch f.Value.Type() {
	case "int":
		return fmt.Sprintf("--%s: %q is not a whole number", f.Name, text)
	case "uint64":
		return fmt.Sprintf("--%s: %q is not a whole number of at least 0", f.Name, text)
	case "float64":
		return fmt.Sprintf("--%s: %q is not a number", f.Name, text)
	case "duration":
		return fmt.Sprintf("--%s: %q is not a duration above 0 such as 90s, 30m, 24h or 2d", f.Name, text)
	case "bool":
		return fmt.Sprintf("--%s: %q is neither true nor false; the flag needs no value", f.Name, text)
	case "stringSlice": // it is read as a line of CSV
		return fmt.Sprintf("--%s: %q has a quotation mark that is not closed", f.Name, text)
	}
	return fmt.Sprintf("--%s %q: %v", f.Name, text, e.Unwrap())
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) string {
	name, letters := e.GetSpecifiedName(), e.GetSpecifiedShortnames()
	if letters == "" {
		text := fmt.Sprintf("unknown flag --%s of %s", name, nameOf(cmd))
		if near := nearestFlag(cmd, name); near != "" {
			text += "; did you mean --" + near + "?"
		}
		return text
	}
	text := fmt.Sprintf("unknown flag -%s of %s", name, nameOf(cmd))
	if word, _, _ := strings.Cut(letters, "="); len(word) > 1 && cmd.Flags().Lookup(word) != nil {
		text += "; did you mean --" + word + "?"
	}
	return text
}

// nearestFlag returns a flag that begins as was typed, of which what was typed is the beginning and more, that is meant where another word
// is usual, or that differs by a letter or two.
func nearestFlag(cmd *cobra.Command, typed string) (near string) {
	best := min(3, len(typed)/2+1)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		d := distance(f.Name, typed)
		if strings.HasPrefix(f.Name, typed) || strings.HasPrefix(typed, f.Name) || slices.Contains(otherWords[typed], f.Name) {
			d = 0
		}
		if !f.Hidden && len(typed) > 1 && d < best {
			near, best = f.Name, d
		}
	})
	return near
}

// otherWords are what people type for flags, by other programs' habits.
var otherWords = map[string][]string{"listen": {"addr", "http"}, "port": {"addr", "http"}, "file": {"config"}, "format": {"output"}, "force": {"yes"}, "duration": {"for"},
	"namespace": {"cluster"}, "from": {"since"}, "to": {"until"}}

// distance is how many letters must be put in, left out or changed to make one word of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for k := range row {
		row[k] = k
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for k := range len(b) {
			change := before
			if a[i] != b[k] {
				change++
			}
			before, row[k+1] = row[k+1], min(change, row[k]+1, row[k+1]+1)
		}
	}
	return row[len(b)]
}

// excludes is the annotation of a command that holds its groups of flags of which only one may be given.
const excludes = "backstop_excludes"

// exclusive marks flags of which only one may be given.
func exclusive(cmd *cobra.Command, names ...string) {
	cmd.MarkFlagsMutuallyExclusive(names...) // completion then offers no second one
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[excludes] += strings.Join(names, " ") + "\n"
}

// checkExclusive refuses what the library would refuse after it, in words.
func checkExclusive(cmd *cobra.Command) error {
	for group := range strings.Lines(cmd.Annotations[excludes]) {
		var given []string
		for _, name := range strings.Fields(group) {
			if cmd.Flags().Changed(name) {
				given = append(given, "--"+name)
			}
		}
		if len(given) > 1 {
			return usageError("%s: only one of them can be given", strings.Join(given, " and "))
		}
	}
	return nil
}
