package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
)

// selection is which workloads of a configuration a command is about: named, or chosen by cluster and labels, or all.
type selection struct {
	names   []string
	cluster string
	labels  []string // NAME=VALUE; all of them must fit
	all     bool
}

// selectionFlags lets a command choose workloads other than by name. path is the configuration's, which completion reads.
func selectionFlags(cmd *cobra.Command, s IO, path *string, to *selection) {
	f := cmd.Flags()
	f.StringVar(&to.cluster, "cluster", "", "workloads with a pool in this cluster")
	f.StringSliceVarP(&to.labels, "label", "l", nil, "workloads with this label of the configuration (team=shop); of several all must fit")
	f.BoolVar(&to.all, "all", false, "every workload of the configuration")
	complete := func(name string, of func(*config.File) []string) {
		_ = cmd.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			file, err := readConfig(cmd.Context(), s, *path, false)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return of(file), cobra.ShellCompDirectiveNoFileComp
		})
	}
	complete("cluster", clusters)
	complete("label", labels)
}

// check refuses what contradicts itself. what is the command if it must be told which workloads are meant, else empty.
func (c *selection) check(what string) error {
	chosen := c.cluster != "" || len(c.labels) > 0
	for _, l := range c.labels {
		if name, value, ok := strings.Cut(l, "="); !ok || name == "" || value == "" {
			return usageError("--label %q: must be NAME=VALUE, such as team=shop", l)
		}
	}
	switch {
	case c.all && chosen:
		return usageError("--all: not together with --cluster or --label")
	case len(c.names) > 0 && (c.all || chosen):
		return usageError("name workloads, or choose them by --cluster, --label or --all")
	case what != "" && len(c.names) == 0 && !c.all && !chosen:
		return usageError("%s needs a workload, --cluster, --label or --all", what)
	}
	return nil
}

// of returns the chosen workloads, in the file's order; all of them when nothing chooses.
func (c *selection) of(file *config.File) ([]config.Workload, error) {
	all, err := named(file, c.names)
	if err != nil {
		return nil, err
	}
	if c.cluster != "" {
		all = slices.DeleteFunc(all, func(w config.Workload) bool {
			return !slices.ContainsFunc(w.Pools, func(p config.PoolRef) bool { return clusterName(p.Cluster) == clusterName(c.cluster) })
		})
		if len(all) == 0 {
			return nil, usageError("--cluster: no workload of %s has a pool in %q; there are: %s", file.Name, c.cluster, strings.Join(clusters(file), ", "))
		}
	}
	for _, l := range c.labels {
		name, value, _ := strings.Cut(l, "=")
		all = slices.DeleteFunc(all, func(w config.Workload) bool { return w.Labels[name] != value })
	}
	if len(all) == 0 {
		return nil, usageError("--label: no workload of %s has %s%s", file.Name, strings.Join(c.labels, " and "), labelsOf(file, c.cluster))
	}
	return all, nil
}

// chosen reads a configuration, keeps the chosen workloads of it, and loads the SDK's configuration and their services with them.
func chosen(ctx context.Context, s IO, path string, choice selection) (*config.File, aws.Config, []control.Workload, error) {
	file, err := readConfig(ctx, s, path, true)
	if err != nil {
		return nil, aws.Config{}, nil, err
	}
	if file.Workloads, err = choice.of(file); err != nil {
		return nil, aws.Config{}, nil, err
	}
	cfg, err := loadFor(ctx, file)
	if err != nil {
		return nil, aws.Config{}, nil, err
	}
	workloads, err := app.Workloads(file, cfg.Region)
	return file, cfg, workloads, err
}

// loadFor reads the AWS SDK's own configuration for what a file configures: its region, and what the trust policies of its roles ask for.
func loadFor(ctx context.Context, f *config.File) (aws.Config, error) {
	cfg, err := session.Load(ctx, f.Region)
	if err != nil {
		return aws.Config{}, err
	}
	return parts.Trusting(cfg, f), nil
}

// labels lists the labels of all workloads as NAME=VALUE, each once.
func labels(file *config.File) []string {
	have := map[string]bool{}
	for i := range file.Workloads {
		for name, value := range file.Workloads[i].Labels {
			have[name+"="+value] = true
		}
	}
	return slices.Sorted(maps.Keys(have))
}

// labelsOf says which labels there are.
func labelsOf(file *config.File, cluster string) string {
	have := labels(file)
	text := "; there are: " + strings.Join(have, ", ")
	if len(have) == 0 {
		text = "; no workload has labels"
	}
	if cluster != "" {
		text = fmt.Sprintf(" in the cluster %s%s", cluster, text)
	}
	return text
}

// clusterName is the name in a cluster's ARN, or the name itself.
func clusterName(cluster string) string {
	return cluster[strings.LastIndexByte(cluster, '/')+1:]
}

func clusters(file *config.File) []string {
	var out []string
	for i := range file.Workloads {
		for _, p := range file.Workloads[i].Pools {
			if name := clusterName(p.Cluster); !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}
