package control

import (
	"context"
	"slices"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Concerned returns the names of the workloads that have a pool which a signal is about, sorted. It is for
// callers of [Loop.Pass] that receive messages themselves.
func (l *Loop) Concerned(s failover.Signal) ([]string, error) {
	if err := l.Init(); err != nil {
		return nil, err
	}
	var names []string
	for _, t := range l.find(&s) {
		names = append(names, l.Workloads[t.workload].Name)
	}
	if len(names) == 0 {
		l.meet(context.Background(), &s)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
