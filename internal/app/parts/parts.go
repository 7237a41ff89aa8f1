// Package parts is what every way to run Backstop is wired from: the workloads of a configuration, the store in
// DynamoDB, and the log of passes. The daemon (package app) and the function (package lambda) share it.
//
// It links neither SQLite nor Prometheus nor a terminal: the function's binary is loaded at every cold start.
package parts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/aws/state"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

// OpenTable opens the DynamoDB table that a configuration names, in the region of cfg.
func OpenTable(cfg aws.Config, f *config.File) (control.Store, error) {
	if f.State.DynamoDB == "" {
		return nil, errors.New("open state: no DynamoDB table is named under `state`")
	}
	names := make([]string, len(f.Workloads))
	for i := range f.Workloads {
		names[i] = f.Workloads[i].Name
	}
	for i := range f.Tasks {
		if name := taskretry.Name(f.Tasks[i].Cluster); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return state.New(cfg, f.State.DynamoDB, state.Options{Retention: journal.DefaultRetention(), Workloads: names}), nil
}

// Workloads returns the workloads of a configuration as the loop takes them. region stands for the pools that
// name none; it is an error if there are such and it is empty.
func Workloads(f *config.File, region string) ([]control.Workload, error) {
	out := make([]control.Workload, 0, len(f.Workloads))
	table := Prices(f)
	for _, w := range f.Workloads {
		next := control.Workload{Name: w.Name, Policy: w.Policy}
		for _, p := range w.Pools {
			ref := control.ServiceRef{Region: p.Region, Cluster: ecsevent.ClusterName(p.Cluster), Service: ecsevent.ServiceName(p.Service), RoleARN: p.RoleARN}
			if ref.Region == "" {
				ref.Region = region
			}
			if ref.Region == "" {
				return nil, fmt.Errorf("workload %s: pool %s has no region: set `region` in %s, or AWS_REGION", w.Name, p.Name, f.Name)
			}
			next.Refs = append(next.Refs, ref)
		}
		Price(&next, w.Task, table)
		out = append(out, next)
	}
	return out, nil
}

// Installation names the installation that a configuration describes by where it keeps its state: what shares a state is one
// installation, and a new state is another, unless it lies where the lost one did.
func Installation(f *config.File, region string) string {
	if table := f.State.DynamoDB; table != "" {
		return service.Tagged("dynamodb/" + region + "/" + table)
	}
	path, err := filepath.Abs(f.State.SQLite)
	if err != nil {
		path = f.State.SQLite
	}
	host, _ := os.Hostname() // without one the path must do
	return service.Tagged(host + ":" + path)
}
