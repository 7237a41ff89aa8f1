package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
)

// What a store is opened for.
const (
	reading = iota
	writing
)

// openStore opens the configuration's store. For reading it is nil, without an error, when nothing was ever
// written: a look must not leave an empty file behind.
func openStore(ctx context.Context, file *config.File, purpose int) (control.Store, error) {
	if _, err := os.Stat(file.State.SQLite); file.State.SQLite != "" && purpose == reading && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return app.OpenStore(ctx, file)
}
