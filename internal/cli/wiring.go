package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

// What a store is opened for.
const (
	reading = iota
	writing
)

// openStore opens the configuration's store. For reading it is nil, without an error, when nothing was ever
// written: a look must not leave an empty file behind.
func openStore(ctx context.Context, file *config.File, purpose int) (control.Store, error) {
	if file.State.SQLite == "" {
		return nil, fmt.Errorf("open state: this program cannot read %q yet", file.State.DynamoDB)
	}
	if _, err := os.Stat(file.State.SQLite); purpose == reading && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	store, err := sqlite.Open(ctx, file.State.SQLite, journal.DefaultRetention())
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	return store, nil
}
