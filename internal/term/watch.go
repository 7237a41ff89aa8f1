package term

import (
	"context"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// Watch shows a play on a terminal while it goes on. play is given the function to tell updates to and must
// return soon when its context ends. quit is true when the watcher ended it.
func Watch(ctx context.Context, in io.Reader, out io.Writer, set Setting, play func(ctx context.Context, tell func(demo.Update)) error) (quit bool, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	model := New(set)
	p := tea.NewProgram(model, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	played := make(chan error, 1)
	go func() {
		err := play(ctx, func(u demo.Update) { p.Send(u) })
		played <- err
		p.Send(Done{})
	}()
	_, err = p.Run()
	stop()
	playErr := <-played
	if err != nil && ctx.Err() == nil {
		return model.Quit, fmt.Errorf("draw on the terminal: %w", err)
	}
	if model.Quit {
		return true, nil
	}
	return false, playErr
}
