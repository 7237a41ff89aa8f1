package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/config"
)

// selection says which workloads of a configuration a command is about.
type selection struct {
	names   []string
	cluster string
}

// clusterFlag lets a command choose the workloads of a cluster.
func clusterFlag(cmd *cobra.Command, to *selection) {
	cmd.Flags().StringVar(&to.cluster, "cluster", "", "only workloads with a pool in this cluster")
}

// of returns the chosen workloads, in the file's order.
func (c selection) of(file *config.File) ([]config.Workload, error) {
	all, err := named(file, c.names)
	if err != nil || c.cluster == "" {
		return all, err
	}
	in := slices.DeleteFunc(slices.Clone(all), func(w config.Workload) bool {
		return !slices.ContainsFunc(w.Pools, func(p config.PoolRef) bool { return clusterName(p.Cluster) == clusterName(c.cluster) })
	})
	if len(in) == 0 {
		return nil, usageError("--cluster: no workload of %s has a pool in %q; there are: %s", file.Name, c.cluster, strings.Join(clusters(file), ", "))
	}
	return in, nil
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
