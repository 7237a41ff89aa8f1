package cli

import (
	"context"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

// until looks until what is wanted is there, at first at once. It is false, without an error, when the limit has passed, and has the
// context's error when that ends.
func until(ctx context.Context, every, limit time.Duration, look func() (done bool, err error)) (bool, error) {
	end := time.Now().Add(limit)
	for {
		done, err := look()
		if done || err != nil {
			return done, err
		}
		left := time.Until(end)
		if left <= 0 {
			return false, nil
		}
		if !control.Wait(ctx, min(every, left)) {
			return false, ctx.Err()
		}
	}
}

// liveLine is one line on a terminal that is written over; elsewhere there is none.
type liveLine struct {
	s     IO
	shown bool
}

// on reports whether there is one.
func (l *liveLine) on() bool { return l.s.ErrTerminal && l.s.Env("TERM") != "dumb" }

// say shows the line.
func (l *liveLine) say(text string) {
	if !l.on() {
		return
	}
	width := l.s.Width
	if width < 2 {
		width = widthUnknown
	}
	l.shown = true
	_, _ = l.s.Err.Write([]byte("\r\x1b[K" + cut(visible(text), width-1)))
}

// clear takes the line away, for what follows.
func (l *liveLine) clear() {
	if l.shown {
		_, _ = l.s.Err.Write([]byte("\r\x1b[K"))
	}
	l.shown = false
}

// widthUnknown is taken for a terminal whose width nobody tells.
const widthUnknown = 80
