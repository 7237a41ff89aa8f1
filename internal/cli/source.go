package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/input"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// configDefault is the configuration that is read when none is named, and configEnv the variable that
	// may name another one.
	configDefault = "backstop.yaml"
	configEnv     = "BACKSTOP_CONFIG"
	// configBytesMax bounds what is read of a file; the parser refuses less than that already.
	configBytesMax = 4 << 20
)

// configFlag adds --config.
func configFlag(cmd *cobra.Command, s IO, to *string) {
	initial := configDefault
	if v := s.Env(configEnv); v != "" {
		initial = v
	}
	cmd.Flags().StringVarP(to, "config", "c", initial, "configuration file; - is stdin; $"+configEnv+" names another default")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
}

// readConfig reads and parses a configuration. What is wrong with it is an error of usage; what is odd in it
// goes to stderr when warn is set.
func readConfig(ctx context.Context, s IO, path string, warn bool) (*config.File, error) {
	data, err := readInput(ctx, s, path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usageError("read configuration: %s is not there; `backstop init` writes one from your services, --config names another", path)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		return nil, usageError("read configuration: %w", err)
	}
	name := path
	if path == "-" {
		name = "stdin"
	}
	file, err := config.Parse(data, name)
	if err != nil {
		return nil, &exitError{ExitUsage, err}
	}
	if warn {
		for _, w := range file.Warnings {
			_, _ = fmt.Fprintln(s.Err, "warning: "+w.String())
		}
	}
	return file, nil
}

// readInput reads a file or stdin until ctx ends: a pipe may have no writer, and a person may have nothing to type.
func readInput(ctx context.Context, s IO, path string) ([]byte, error) {
	if path == "-" {
		return input.From(ctx, "stdin", func() (io.ReadCloser, error) { return io.NopCloser(s.In), nil }, configBytesMax, io.ReadAll)
	}
	return input.File(ctx, path, configBytesMax, io.ReadAll)
}

// named returns the workloads of the file that are named, in the file's order; all of them when none is.
func named(file *config.File, names []string) ([]config.Workload, error) {
	all := config.Workloads(file)
	if len(names) == 0 {
		return all, nil
	}
	known := workloadNames(all)
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, usageError("no workload %q in %s; there are: %s", n, file.Name, wording.Near(n, known))
		}
	}
	return slices.DeleteFunc(all, func(w config.Workload) bool { return !slices.Contains(names, w.Name) }), nil
}

func workloadNames(all []config.Workload) []string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].Name
	}
	return out
}

// completeWorkloads completes the names of the configuration's workloads.
func completeWorkloads(s IO, path *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		file, err := readConfig(cmd.Context(), s, *path, false)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		left := slices.DeleteFunc(workloadNames(file.Workloads), func(n string) bool { return slices.Contains(given, n) })
		return left, cobra.ShellCompDirectiveNoFileComp
	}
}
