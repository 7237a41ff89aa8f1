package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// watchEvery is how often status looks with --watch unless told otherwise, watchLeast and watchMost are its bounds: each look reads a
	// record and a page of the journal of every workload.
	watchEvery = 2 * time.Second
	watchLeast = time.Second
	watchMost  = time.Hour
)

// watchStatus shows the status again and again until the context ends. A terminal keeps one screen of it, a pipe gets one answer after
// another. The error is that of the last look.
func watchStatus(ctx context.Context, s IO, o statusOptions) error {
	screen := s.OutTerminal && o.output != outputJSON && s.Env("TERM") != "dumb"
	for first := true; ; first = false {
		var text bytes.Buffer
		at := s.sized()
		at.Out = &text
		err := showStatus(ctx, at, o)
		if ctx.Err() != nil {
			return nil // it was ended before the first look had its answer
		}
		var unhealthy quiet
		if err != nil && !errors.As(err, &unhealthy) {
			return err
		}
		switch {
		case screen:
			_, _ = fmt.Fprint(s.Out, onScreen(text.String(), at.Width, at.Height, fmt.Sprintf("every %s until Ctrl-C; now %s", wording.Span(o.watch), wording.Clock(s.Now()))))
		default:
			if !first && o.output != outputJSON {
				_, _ = fmt.Fprintln(s.Out)
			}
			if _, werr := text.WriteTo(s.Out); werr != nil {
				return fmt.Errorf("write status: %w", werr)
			}
		}
		if !control.Wait(ctx, o.watch) {
			if screen {
				_, _ = fmt.Fprintln(s.Out)
			}
			return err
		}
	}
}

// onScreen writes a text over what was on the screen before it. What does not fit is left out at the end, and counted: the worst comes
// first. A width or height of 0 is not known.
func onScreen(text string, width, height int, foot string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	rows, fits := 0, 0
	for _, l := range lines {
		rows++
		if n := utf8.RuneCountInString(l); width > 0 && n > width {
			rows += (n - 1) / width
		}
		if height > 1 && rows >= height {
			break
		}
		fits++
	}
	if over := len(lines) - fits; over > 0 {
		lines = lines[:fits]
		foot = fmt.Sprintf("%s not shown; %s", wording.Count(over, "line"), foot)
	}
	if width > 1 {
		foot = cut(foot, width-1)
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for _, l := range lines {
		b.WriteString(l + "\x1b[K\n")
	}
	b.WriteString(foot + "\x1b[J")
	return b.String()
}
