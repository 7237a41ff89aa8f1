package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// ErrDamaged is wrapped by the error of a store that has a record which cannot be read, so that it costs one workload
// its passes and not all.
var ErrDamaged = errors.New("the record is damaged")

// DecodeState reads a state as a store keeps it. The error wraps [ErrDamaged], or [failover.ErrNewerState] for a state that
// a newer version has written: no store gives that to a program that would erase what it does not know.
func DecodeState(data []byte) (failover.State, error) {
	s, err := failover.DecodeState(data)
	if err != nil && !errors.Is(err, failover.ErrNewerState) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return s, err
}

// unreadable reports whether an error is about one record and not about the store.
func unreadable(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, failover.ErrNewerState)
}

// records loads records. Those that cannot be read are in the second map, with why.
func (l *Loop) records(ctx context.Context, names []string) (map[string]Record, map[string]error, error) {
	records, err := l.Store.Load(ctx, names)
	if !unreadable(err) {
		return records, nil, err
	}
	records, damaged := make(map[string]Record, len(names)), make(map[string]error)
	for _, name := range names {
		one, err := l.Store.Load(ctx, []string{name})
		switch r, ok := one[name]; {
		case unreadable(err):
			damaged[name] = err
		case err != nil:
			return nil, nil, fmt.Errorf("load the others one by one: %w", err)
		case ok:
			records[name] = r
		}
	}
	return records, damaged, nil
}
