package term

import (
	"context"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// Watch shows a play on a terminal while it goes on, and returns its last picture. play is given the function
// to tell updates to; its context ends when the watcher quits, and it must return soon after. The error is
// play's, or the terminal's.
func Watch(ctx context.Context, in io.Reader, out io.Writer, set Setting, play func(ctx context.Context, tell func(demo.Update)) error) (still string, err error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	model := New(set)
	p := tea.NewProgram(model, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(muted(out)), tea.WithoutSignalHandler())
	played := make(chan error, 1)
	go func() {
		err := play(watching, func(u demo.Update) { p.Send(u) })
		played <- err
		p.Send(Done{})
	}()
	_, drawErr := p.Run()
	stop()
	err = <-played
	if err == nil && drawErr != nil && ctx.Err() == nil {
		err = fmt.Errorf("draw on the terminal: %w", drawErr)
	}
	return model.Still(), err
}
