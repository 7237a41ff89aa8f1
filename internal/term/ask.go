package term

import (
	"bytes"
	"io"

	"github.com/charmbracelet/x/ansi"
)

// queries are what the drawing library asks a terminal on its own account. Nothing that is drawn here depends on an
// answer, and one that comes after the view has ended would be typed at the shell.
var queries = [][]byte{[]byte(ansi.RequestModeSynchronizedOutput), []byte(ansi.RequestModeUnicodeCore), []byte(ansi.RequestKittyKeyboard)}

// file is what the library takes for a terminal.
type file interface {
	io.ReadWriteCloser
	Fd() uintptr
}

// mute leaves the queries out of what is written.
type mute struct{ file }

// muted returns a terminal that is asked nothing. What is no file is none, and is asked nothing anyway.
func muted(out io.Writer) io.Writer {
	if f, ok := out.(file); ok {
		return mute{f}
	}
	return out
}

// Write implements [io.Writer].
func (m mute) Write(p []byte) (int, error) {
	rest := p
	for _, q := range queries {
		rest = bytes.ReplaceAll(rest, q, nil)
	}
	if _, err := m.file.Write(rest); err != nil {
		return 0, err
	}
	return len(p), nil
}
