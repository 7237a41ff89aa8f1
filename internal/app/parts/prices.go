package parts

import (
	"slices"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
)

// mebi is how many MiB of memory AWS sells as one GB.
const mebi = 1024

// Prices returns the prices of a configuration: the built-in table with the operator's own over it.
func Prices(f *config.File) cost.Table { return Over(cost.Table{}, f) }

// Over returns a table with the operator's own prices over it.
func Over(t cost.Table, f *config.File) cost.Table {
	for _, p := range f.Prices.Table {
		t = t.With(f.Prices.Date, cost.Key{Region: p.Region, Arch: cost.Arch(p.Arch), Capacity: p.Capacity}, cost.Rate{VCPUHour: p.VCPUHourUSD, GBHour: p.GBHourUSD})
	}
	return t
}

// Places says where a workload's pools are, as prices are looked up.
func Places(w *control.Workload) []cost.Place {
	out := make([]cost.Place, len(w.Refs))
	for i := range w.Refs {
		out[i] = cost.Place{Pool: w.Policy.Pools[i].Name, Region: w.Refs[i].Region, Capacity: w.Policy.Pools[i].Capacity}
	}
	return out
}

// SizeOf returns the size of a task in the units that prices are in.
func SizeOf(t config.Task) cost.Size {
	return cost.Size{VCPU: float64(t.CPU) / 1024, MemoryGB: float64(t.Memory) / mebi}
}

// Price fills in what a task of each pool costs. A price that is not known stays 0: it is then not counted against
// a budget, which the configuration warns of.
func Price(w *control.Workload, task config.Task, table cost.Table) {
	if task == (config.Task{}) {
		return
	}
	tariff, _ := table.Tariff(Places(w), SizeOf(task), cost.Arch(task.Arch))
	w.Policy.Pools = slices.Clone(w.Policy.Pools) // the configuration's own
	for i := range w.Policy.Pools {
		w.Policy.Pools[i].TaskHourUSD = tariff.Pools[w.Policy.Pools[i].Name].TaskHour
	}
}
