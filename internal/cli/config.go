package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/wording"
)

func newConfigCommand(s IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check and explain the configuration",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigValidate(s, runConfigValidate), newConfigSchema(s), newConfigExplain(s, runConfigExplain), newConfigExample(s))
	return cmd
}

type configValidateOptions struct {
	path   string
	output string
}

// configVerdict is the answer of `backstop config validate`.
type configVerdict struct {
	File      string           `json:"file"`
	Valid     bool             `json:"valid"`
	Workloads []string         `json:"workloads"`
	Problems  []config.Problem `json:"problems"`
	More      int              `json:"more,omitempty"`
}

func newConfigValidate(s IO, run func(context.Context, IO, configValidateOptions) error) *cobra.Command {
	var o configValidateOptions
	cmd := &cobra.Command{
		Use:     "validate [FILE]",
		Short:   "Check a configuration and report everything that is wrong with it",
		Example: "backstop config validate\nbackstop config validate backstop.yaml -o json",
		Args:    atMost(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.path = args[0]
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	outputFlag(cmd, &o.output)
	return cmd
}

func runConfigValidate(ctx context.Context, s IO, o configValidateOptions) error {
	file, err := readConfig(ctx, s, o.path, false)
	v := configVerdict{File: o.path, Valid: err == nil, Workloads: []string{}, Problems: []config.Problem{}}
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		v.Problems, v.More = wrong.Problems, wrong.More
	} else if err != nil {
		return err
	}
	if file != nil {
		v.Workloads, v.Problems = append(v.Workloads, workloadNames(file.Workloads)...), append(v.Problems, file.Warnings...)
	}
	if o.output == outputJSON {
		if err := printJSON(s.Out, v); err != nil {
			return err
		}
		if !v.Valid {
			return quiet(ExitUsage)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for _, w := range v.Problems {
		_, _ = fmt.Fprintln(s.Err, "warning: "+w.String())
	}
	_, err = fmt.Fprintf(s.Out, "%s is valid: %s\n", file.Name, wording.Count(len(v.Workloads), "workload"))
	return err
}

func newConfigSchema(s IO) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of the configuration, for editors",
		Example: "backstop config schema > backstop.schema.json",
		Args:    atMost(0, ""),
		RunE: func(*cobra.Command, []string) error {
			_, err := s.Out.Write(config.Schema())
			return err
		},
	}
}

func newConfigExample(s IO) *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "Print a configuration with every key, its default and what it does",
		Example: "backstop config example > backstop.yaml",
		Args:    atMost(0, ""),
		RunE: func(*cobra.Command, []string) error {
			_, err := s.Out.Write(config.Example())
			return err
		},
	}
}

type configExplainOptions struct{ key string }

func newConfigExplain(s IO, run func(IO, configExplainOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:     "explain [KEY]",
		Short:   "Say what a key does, what it takes, its default and the reason for it; without KEY, list the keys",
		Example: "backstop config explain settle\nbackstop config explain workloads[0].pools[0].max",
		Args:    atMost(1, "one key"),
		ValidArgsFunction: func(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(given) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return config.Keys(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var o configExplainOptions
			if len(args) == 1 {
				o.key = args[0]
			}
			return run(s, o)
		},
	}
}

func runConfigExplain(s IO, o configExplainOptions) error {
	if o.key == "" {
		_, err := fmt.Fprintln(s.Out, strings.Join(config.Keys(), "\n"))
		return err
	}
	text, ok := config.Explain(o.key)
	if !ok {
		if text != "" {
			text = "; " + text
		}
		return usageError("no key %q%s", o.key, text)
	}
	_, err := fmt.Fprintln(s.Out, strings.TrimRight(text, "\n"))
	return err
}
