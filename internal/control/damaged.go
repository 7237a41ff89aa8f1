package control

import (
	"context"
	"errors"
	"fmt"
)

// ErrDamaged is wrapped by the error of a store that has a record which nobody can read, so that it costs one workload
// its passes and not all.
var ErrDamaged = errors.New("the record is damaged")

// records loads records. Those that are damaged are in the second map, with why.
func (l *Loop) records(ctx context.Context, names []string) (map[string]Record, map[string]error, error) {
	records, err := l.Store.Load(ctx, names)
	if !errors.Is(err, ErrDamaged) {
		return records, nil, err
	}
	records, damaged := make(map[string]Record, len(names)), make(map[string]error)
	for _, name := range names {
		one, err := l.Store.Load(ctx, []string{name})
		switch r, ok := one[name]; {
		case errors.Is(err, ErrDamaged):
			damaged[name] = err
		case err != nil:
			return nil, nil, fmt.Errorf("load the others one by one: %w", err)
		case ok:
			records[name] = r
		}
	}
	return records, damaged, nil
}
