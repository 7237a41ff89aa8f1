package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestATerminalShowsHowFarALongFileIsRead(t *testing.T) {
	for size, want := range map[int64]string{20e6: "reading e.json: 25 % of 20 MB", 0: "reading e.json: 5 MB"} {
		var errs bytes.Buffer
		s := IO{Err: &errs, ErrTerminal: true, Env: func(string) string { return "" }}
		readingOf(&liveLine{s: s})("e.json", 5e6, size)
		if !strings.HasSuffix(errs.String(), want) {
			t.Errorf("of %d bytes: %q, want %q", size, errs.String(), want)
		}
		errs.Reset()
		s.ErrTerminal = false
		if readingOf(&liveLine{s: s})("e.json", 5e6, size); errs.Len() > 0 {
			t.Errorf("without a terminal: %q", errs.String())
		}
	}
}
