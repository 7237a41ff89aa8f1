package cli

import (
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/term"
)

// IO is what a command reads from and writes to.
type IO struct {
	In  io.Reader
	Out io.Writer // the answer
	Err io.Writer // the rest
	// InTerminal and OutTerminal say whether a person is at that end.
	InTerminal, OutTerminal, ErrTerminal bool
	// Width is the terminal's, 0 when Out is none.
	Width int
	Env   func(string) string
	Now   func() time.Time
}

// System returns the process's own input and output.
func System() IO {
	in, out, err := int(os.Stdin.Fd()), int(os.Stdout.Fd()), int(os.Stderr.Fd())
	width, _, werr := term.GetSize(out)
	if werr != nil {
		width = 0
	}
	return IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, InTerminal: term.IsTerminal(in), OutTerminal: term.IsTerminal(out),
		ErrTerminal: term.IsTerminal(err), Width: width, Env: os.Getenv, Now: time.Now}
}

// color reports whether text may be coloured: on a terminal that can, and unless NO_COLOR is set.
func (s IO) color() bool {
	old := runtime.GOOS == "windows" && s.Env("WT_SESSION") == "" && s.Env("TERM") == "" // its console prints the codes as they are
	return s.OutTerminal && s.Env("NO_COLOR") == "" && s.Env("TERM") != "dumb" && !old
}
