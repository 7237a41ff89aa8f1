package dashboard

import (
	"context"
	"errors"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Source is where the page gets what it shows, and where orders go.
type Source interface {
	// Workloads returns what is guarded. It does not change while the source is used.
	Workloads() []Workload
	// Current returns what is known of the named workloads now; those never looked at are absent.
	Current(ctx context.Context, names []string) (map[string]Current, error)
	// History returns entries of the journal, the newest first.
	History(ctx context.Context, q journal.Query) ([]journal.Entry, error)
	// Apply records an order. It returns [ErrReadOnly] when the source takes none.
	Apply(ctx context.Context, workload string, in failover.Intent) error
}

// ErrReadOnly says that a source takes no orders, such as a finished run.
var ErrReadOnly = errors.New("what is shown here takes no orders")

// Workload is what does not change of a workload while the page is up.
type Workload struct {
	Name   string
	Policy failover.Policy
	// Services says which ECS service each pool is (region/cluster/service), in the order of Policy.Pools.
	Services []string
	// Accounts are the AWS accounts of the services; empty where it is the process's own.
	Accounts []string
	Prices   Prices
}

// Prices are what the tasks of one workload cost, in US dollars.
type Prices struct {
	// Pools is by the pool's name; OnDemandTaskHour is what the same task costs on demand for an hour.
	Pools            map[string]cost.PoolPrice
	OnDemandTaskHour float64
	// Date is when the prices were looked up; Own says that they are the operator's own.
	Date string
	Own  bool
	// Unknown says why there are none; empty when there are.
	Unknown string
}

// taskHours returns what a task of each pool costs for an hour, in US dollars.
func (p Prices) taskHours() map[string]float64 {
	out := make(map[string]float64, len(p.Pools))
	for name, price := range p.Pools {
		out[name] = price.TaskHour
	}
	return out
}

// Current is what is known of one workload now.
type Current struct {
	State failover.State
	// Decision is the newest that is known, with its actions; nil when there is none.
	Decision *failover.Decision
	// LookedAt is the newest moment at which the store, or a pass in this process, shows that the workload was looked at, by AWS's clock.
	LookedAt time.Time
	// Look says how long ago it was last looked at, by what is known best.
	Look health.Look
	// Observation is what the decision was taken from; nil when it was not kept in full.
	Observation *failover.Observation
}

// newest returns the later moment.
func newest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// knownTo is the moment up to which anything is known: the present, or the last look where nothing looks any more.
func (c *Current) knownTo(now time.Time) time.Time {
	if c.Look.Silent() {
		return now.Add(-c.Look.Age)
	}
	return now
}
