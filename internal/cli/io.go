package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"

	tui "github.com/backstop-ecs/backstop/internal/term"
)

// IO is what a command reads from and writes to.
type IO struct {
	In  io.Reader
	Out io.Writer // the answer
	Err io.Writer // the rest
	// InTerminal and OutTerminal say whether a person is at that end.
	InTerminal, OutTerminal, ErrTerminal bool
	// Width and Height are the terminal's, 0 when Out is none.
	Width, Height int
	Env           func(string) string
	Now           func() time.Time
}

// System returns the process's own input and output.
func System() IO {
	in, out, err := int(os.Stdin.Fd()), int(os.Stdout.Fd()), int(os.Stderr.Fd())
	return IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, InTerminal: term.IsTerminal(in), OutTerminal: term.IsTerminal(out),
		ErrTerminal: term.IsTerminal(err), Env: os.Getenv, Now: time.Now}.sized()
}

// sized is with the size that the terminal has now.
func (s IO) sized() IO {
	if out, ok := s.Out.(*os.File); ok {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil {
			width, height = 0, 0
		}
		s.Width, s.Height = width, height
	}
	return s
}

// asked is where a person is asked: what is printed goes to stderr.
func (s IO) asked() IO {
	s.Out, s.OutTerminal = s.Err, s.ErrTerminal
	if !s.ErrTerminal {
		s.Width, s.Height = 0, 0
	}
	return s.sized()
}

// wrapped prints a text, its lines broken at the terminal's width.
func (s IO) wrapped(print func(w io.Writer) error) error {
	if s.Width == 0 {
		return print(s.Out)
	}
	var b bytes.Buffer
	if err := print(&b); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.Out, strings.Join(tui.Wrap(strings.Split(strings.TrimRight(b.String(), "\n"), "\n"), s.Width), "\n"))
	return err
}

// color reports whether text may be coloured: on a terminal that can, and unless NO_COLOR is set.
func (s IO) color() bool {
	old := runtime.GOOS == "windows" && s.Env("WT_SESSION") == "" && s.Env("TERM") == "" // its console prints the codes as they are
	return s.OutTerminal && s.Env("NO_COLOR") == "" && s.Env("TERM") != "dumb" && !old
}
