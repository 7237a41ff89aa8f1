package simulate

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// wrapsMax is how many objects, lists and quoted texts may stand around an event in one item. A queue's message of a topic's notice of an event
// in a list of records has seven.
const wrapsMax = 16

// hopeful reports whether an event may be in a value: its own key, or how base64 of an object or of gzip begins.
func hopeful(raw []byte) bool {
	return bytes.Contains(raw, []byte("detail-type")) || bytes.Contains(raw, []byte(`"eyJ`)) || bytes.Contains(raw, []byte(`"H4sI`))
}

// walk finds the events in a JSON value that begins in a line, and hands them over in their order. Elements of a list without an event are left out
// items if others have one.
func (r *reader) walk(raw json.RawMessage, line, deep int) (found int, err error) {
	if deep > wrapsMax || !hopeful(raw) {
		return 0, nil
	}
	switch raw[0] {
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return 0, nil
		}
		return r.quoted(s, line, deep+1)
	case '{':
		if r.take(raw) {
			r.found++
			return 1, nil
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the brace or bracket
		return 0, nil
	}
	var without []place
	seen := 0 // bytes of raw whose lines are counted
	for element := 1; d.More(); element++ {
		if raw[0] == '{' {
			if _, err := d.Token(); err != nil {
				return found, nil
			}
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return found, nil
		}
		begin := int(d.InputOffset()) - len(v)
		line += bytes.Count(raw[seen:begin], []byte("\n"))
		seen = begin
		n, err := r.walk(v, line, deep+1)
		if found += n; err != nil {
			return found, err
		}
		if n == 0 && !isField(v) && len(without) <= leftOutMax {
			without = append(without, place{line: line, element: element})
		}
	}
	return found, r.leaveAll(without, raw[0] == '[' && found > 0)
}

// isField reports whether a value is a field of a row of Logs Insights, of which one is the message and the others are none.
func isField(raw json.RawMessage) bool {
	var f struct{ Field *string }
	return raw[0] == '{' && len(raw) < 4<<10 && json.Unmarshal(raw, &f) == nil && f.Field != nil
}

// quoted finds the events in a text that stands inside of another form.
func (r *reader) quoted(s string, line, deep int) (found int, err error) {
	if inner, ok := decoded(s); ok {
		s = inner
	}
	for tried := 0; tried < brokenMax; {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			return found, nil
		}
		s = s[i:]
		d := json.NewDecoder(strings.NewReader(s))
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			s = s[1:]
			tried++
			continue
		}
		n, err := r.walk(raw, line, deep+1)
		if found += n; err != nil {
			return found, err
		}
		s = s[d.InputOffset():]
	}
	return found, nil
}

// decoded is the text behind base64, as Kinesis and a subscription of a log group give it, the latter with gzip.
func decoded(s string) (string, bool) {
	if !strings.HasPrefix(s, "eyJ") && !strings.HasPrefix(s, "H4sI") {
		return "", false
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", false
	}
	if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		if b, err = io.ReadAll(io.LimitReader(z, itemMax)); err != nil {
			return "", false
		}
	}
	return string(b), true
}

// header looks whether the text is a table, as the console exports one, and returns its column of messages. comma is 0 if it is none.
func (r *reader) header() (column int, comma rune, err error) {
	b, err := r.in.Peek(min(4<<10, r.most))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	first, _, _ := bytes.Cut(b, []byte("\n"))
	if bytes.ContainsAny(first, "{[") {
		return 0, 0, nil
	}
	for _, c := range ",;\t" {
		names := strings.Split(strings.TrimSpace(string(first)), string(c))
		for i, n := range names {
			names[i] = strings.Trim(strings.TrimSpace(n), `"`)
		}
		switch at := slices.Index(names, "@message"); {
		case at >= 0:
			return at, c, nil
		case slices.Contains(names, "@timestamp"):
			return 0, 0, errors.New("line 1: the table has no column @message; ask Logs Insights for: fields @timestamp, @message")
		case len(names) > 1 && slices.Contains(names, "message"):
			return slices.Index(names, "message"), c, nil
		}
	}
	return 0, 0, nil
}

// rows reads a table.
func (r *reader) rows(column int, comma rune) error {
	from := &rowBytes{from: r.in, most: r.most}
	in := csv.NewReader(from)
	in.Comma, in.LazyQuotes, in.FieldsPerRecord, in.ReuseRecord = comma, true, -1, true
	for n := 0; ; n++ {
		row, err := in.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("the row after line %d: %w", r.line, err)
		}
		from.since = 0
		if r.line, _ = in.FieldPos(0); n == 0 {
			continue
		}
		found := 0
		if column < len(row) {
			found, err = r.quoted(row[column], r.line, 0)
		}
		if err == nil && found == 0 {
			err = r.leave(place{line: r.line})
		}
		if err != nil {
			return err
		}
	}
}

// rowBytes bounds a row.
type rowBytes struct {
	from        io.Reader
	since, most int
}

func (b *rowBytes) Read(to []byte) (int, error) {
	n, err := b.from.Read(to)
	if b.since += n; b.since > b.most+len(to) {
		return 0, fmt.Errorf("it is longer than %d bytes", b.most)
	}
	return n, err
}
