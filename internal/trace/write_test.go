package trace

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Write writes the trace in the form that [Parse] reads, rows that change nothing left out but the final one.
func Write(w io.Writer, t *Trace) error {
	out := bufio.NewWriter(w)
	for _, n := range t.Notes {
		fmt.Fprintf(out, "# %s\n", strings.NewReplacer("\n", " ", "\r", " ").Replace(n))
	}
	out.WriteString("seconds")
	for _, c := range t.Columns {
		out.WriteString("," + c.Name())
	}
	out.WriteString("\n")
	last := -1
	for r, at := range t.At {
		if at >= t.Duration && r > 0 {
			break
		}
		if last >= 0 && t.same(last, r) {
			continue
		}
		if r == 0 {
			at = 0 // what the first row says holds before it too, and a single row may stand at the trace's end
		}
		t.writeRow(out, at, r)
		last = r
	}
	if t.Duration > 0 && len(t.At) > 0 {
		t.writeRow(out, t.Duration, t.Row(t.Duration))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write trace %s: %w", t.Name, err)
	}
	return nil
}

func (t *Trace) same(a, b int) bool {
	for c := range t.Columns {
		if t.Value(a, c) != t.Value(b, c) {
			return false
		}
	}
	return true
}

func (t *Trace) writeRow(out *bufio.Writer, at time.Duration, row int) {
	out.WriteString(writeSeconds(at))
	for c := range t.Columns {
		out.WriteByte(',')
		if v := t.Value(row, c); v == NoLimit {
			out.WriteString("inf")
		} else {
			out.WriteString(strconv.Itoa(v))
		}
	}
	out.WriteByte('\n')
}
