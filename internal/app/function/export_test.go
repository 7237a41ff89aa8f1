package function

import (
	"context"

	"github.com/backstop-ecs/backstop/internal/control"
)

// Watch makes see hear of every report, before the function does.
func (f *Function) Watch(see func(control.Report)) {
	tell := f.loop.Tell
	f.loop.Tell = func(ctx context.Context, r control.Report) {
		see(r)
		tell(ctx, r)
	}
}
