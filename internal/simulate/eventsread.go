package simulate

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/backstop-ecs/backstop/internal/input"
)

// Limits of a file of recorded events.
const (
	// itemMax is the most bytes of one line, object or row that is kept. An event has at most 256 KiB, and is quoted when it stands inside another one.
	itemMax = 4 << 20
	// eventBytesMax bounds the file, and the text that is unpacked from it.
	eventBytesMax = 4 << 30
	// leftOutMax is how many lines or objects that are no events are left out. With more, the file is not what its reader takes it for.
	leftOutMax = 10
	// brokenMax is how many braces of a line, or of a quoted text, are tried that begin no JSON.
	brokenMax = 64
	// listsMax is how deep lists of more than itemMax bytes are entered.
	listsMax = 16
)

// place is where something stands in a file.
type place struct {
	line    int
	element int // of a list that begins in this line or before it, from 1; 0: of no list
}

func (p place) String() string {
	if p.element > 0 {
		return fmt.Sprintf("line %d (element %d of its list)", p.line, p.element)
	}
	return fmt.Sprintf("line %d", p.line)
}

// reader finds the events in a text, whatever stands around them: one a line, with or without words before it; objects one after the other, over
// one line or many; lists and answers of the AWS CLI of any size; quoted inside other objects or the rows of a table. It keeps one item at a time.
type reader struct {
	in   *bufio.Reader
	most int                   // bytes of an item
	take func(raw []byte) bool // of an object; reports whether it is an event

	line  int // of the next byte, from 1
	found int // events
	// Of the line that is read: where its first words stand that are no event, how many bytes they have, how many were skipped since the last event,
	// and what was tried and found in it.
	at     place
	words  int
	around int
	broken int
	has    bool
	// counted says that what is broken in it is noted.
	counted bool

	left   []place // items that hold no event
	why    error   // of the first of them, if it is broken JSON
	cut    int     // the line in which an object begins that the file does not end; 0: none
	foundC int     // the events before it
}

var (
	errBroken = errors.New("not JSON")
	errCut    = errors.New("the file ends in the middle")
)

// readItems reads a file of recorded events and hands every JSON object that may be one to take. It returns how many items were left out and where. The
// error names the place.
func readItems(from io.Reader, most int, take func(raw []byte) bool) (left []place, err error) {
	text, err := input.Text(from, eventBytesMax)
	if err != nil {
		return nil, err
	}
	r := &reader{in: bufio.NewReaderSize(text, most), most: most, take: take, line: 1}
	if column, comma, err := r.header(); err != nil {
		return nil, err
	} else if comma != 0 {
		err = r.rows(column, comma)
		return r.left, r.verdict(err)
	}
	return r.left, r.verdict(r.text())
}

// verdict is the error of the whole.
func (r *reader) verdict(err error) error {
	switch {
	case err != nil:
		return err
	case r.cut > 0 && r.found > r.foundC:
		return fmt.Errorf("line %d: the file ends in the middle of what begins here; it was cut off, so record or export it again", r.cut)
	case r.found > 0:
		return nil
	case r.cut > 0:
		return fmt.Errorf("no event in it: the file ends in the middle of the object that begins in line %d", r.cut)
	case r.why != nil:
		return fmt.Errorf("no event in it: %s: %w", r.left[0], r.why)
	case len(r.left) > 0:
		return fmt.Errorf("no event in it: %s is not one", r.left[0])
	}
	return errors.New("no event in it")
}

// leave notes an item that holds no event.
func (r *reader) leave(at place) error {
	if r.cut > 0 {
		return nil // what follows is a part of what is not whole
	}
	r.left = append(r.left, at)
	switch {
	case len(r.left) <= leftOutMax:
		return nil
	case r.found == 0:
		return fmt.Errorf("no event in its first %d lines or objects, up to line %d", len(r.left), r.line)
	}
	return fmt.Errorf("more than %d lines or objects are not events (%s): keep the events alone, as with grep '\"detail-type\"'", leftOutMax, places(r.left[:3]))
}

// leaveAll notes elements of a list, if it is one of events.
func (r *reader) leaveAll(list []place, events bool) error {
	if !events {
		return nil
	}
	for _, p := range list {
		if err := r.leave(p); err != nil {
			return err
		}
	}
	return nil
}

// places lists some.
func places(list []place) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}

// text reads what stands outside of every list.
func (r *reader) text() error {
	for {
		c, err := r.peek()
		switch {
		case errors.Is(err, io.EOF):
			return r.endLine()
		case err != nil:
			return err
		case c == '\n':
			if err := r.endLine(); err != nil {
				return err
			}
			r.skip(1)
		case (c == '{' || c == '[') && r.broken < brokenMax:
			if err := r.value(); err != nil {
				return err
			}
		default:
			if !bytes.ContainsRune([]byte(" \t\r,[]{}"), rune(c)) {
				r.word()
			}
			r.skip(1)
			if r.around++; r.around > r.most {
				return fmt.Errorf("line %d is longer than %d bytes and no event", r.line, r.most)
			}
		}
	}
}

// word notes that something which is no event stands here.
func (r *reader) word() {
	if r.words == 0 {
		r.at = place{line: r.line}
	}
	r.words++
}

// breaks notes an object or list that breaks, which counts whatever else its line holds, once a line.
func (r *reader) breaks() error {
	if r.counted {
		return nil
	}
	r.counted = true
	return r.leave(place{line: r.line})
}

func (r *reader) endLine() error {
	var err error
	if r.words > 0 && !r.has && !r.counted {
		err = r.leave(r.at)
	}
	r.words, r.around, r.broken, r.has, r.counted = 0, 0, 0, false, false
	return err
}

// value reads the object or list that begins here, or the byte that begins none.
func (r *reader) value() error {
	raw, err := r.item()
	switch {
	case err == nil:
		found, err := r.walk(raw, r.line, 0)
		if found > 0 {
			r.has, r.around = true, 0
		} else {
			r.word()
		}
		r.skip(len(raw))
		return err
	case errors.Is(err, errTooLong):
		line := r.line
		found, err := r.enter(0)
		r.has = r.has || found > 0
		switch {
		case errors.Is(err, errCut):
			return fmt.Errorf("line %d: the file ends in the middle of what begins here; it was cut off, so record or export it again", line)
		case errors.Is(err, errBroken): // the list is over: what follows it is found one by one
			return r.breaks()
		case errors.Is(err, errTooLong):
			return fmt.Errorf("line %d: a text of more than %d bytes", r.line, r.most)
		}
		return err
	case errors.Is(err, errCut) && r.cut == 0:
		r.word()
		if err := r.leave(r.at); err != nil {
			return err
		}
		r.cut, r.foundC = r.line, r.found
	case errors.Is(err, errCut):
	case !errors.Is(err, errBroken):
		return err
	default:
		if r.why == nil && len(r.left) == 0 {
			r.why = err
		}
		if b, _ := r.in.Peek(min(64, r.most)); bytes.HasPrefix(bytes.TrimPrefix(bytes.Join(bytes.Fields(b), nil), []byte("[")), []byte(`{"`)) {
			if err := r.breaks(); err != nil {
				return err
			}
		}
	}
	r.word()
	r.broken++
	r.skip(1)
	return nil
}

var errTooLong = errors.New("longer than an item may be")

// item returns the JSON value that begins here, without skipping it: errBroken if there is none, errCut if the file ends in it, errTooLong if it has
// more than r.most bytes.
func (r *reader) item() (json.RawMessage, error) {
	for n := 4 << 10; ; n *= 2 {
		b, err := r.in.Peek(min(n, r.most))
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewReader(b))
		var raw json.RawMessage
		err = d.Decode(&raw)
		var syntax *json.SyntaxError
		switch {
		case err == nil && (ended || int(d.InputOffset()) < len(b) || raw[len(raw)-1] == '}' || raw[len(raw)-1] == ']'):
			return raw, nil
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("%w: %w", errBroken, err)
		case ended:
			return nil, errCut
		case len(b) >= r.most:
			return nil, errTooLong
		}
	}
}

// enter reads a list or object that is too long to be kept, value by value.
func (r *reader) enter(deep int) (found int, err error) {
	open, _ := r.peek()
	r.skip(1)
	var without []place
	for element := 1; ; element++ {
		c, err := r.next()
		switch {
		case err != nil:
			return found, err
		case c == ']' || c == '}':
			r.skip(1)
			return found, r.leaveAll(without, open == '[' && found > 0)
		case open == '{':
			if err := r.key(); err != nil {
				return found, err
			}
		}
		at := place{line: r.line, element: element}
		some, plain, err := r.member(deep)
		if found += some; err != nil {
			return found, cmp.Or(r.leaveAll(without, open == '[' && found > 0), err)
		}
		if some == 0 && !plain && len(without) <= leftOutMax {
			without = append(without, at)
		}
	}
}

// member reads one value of a list or object that is entered. plain says that it is a field of a row.
func (r *reader) member(deep int) (found int, plain bool, err error) {
	raw, err := r.item()
	switch {
	case err == nil:
		found, err = r.walk(raw, r.line, 0)
		r.skip(len(raw))
		return found, isField(raw), err
	case !errors.Is(err, errTooLong):
		return 0, false, err
	case deep >= listsMax:
		return 0, false, fmt.Errorf("line %d: lists of more than %d bytes, more than %d deep", r.line, r.most, listsMax)
	}
	if c, _ := r.peek(); c != '{' && c != '[' {
		return 0, false, fmt.Errorf("line %d: a text of more than %d bytes", r.line, r.most)
	}
	found, err = r.enter(deep + 1)
	return found, false, err
}

// key skips the name of a member and its colon.
func (r *reader) key() error {
	raw, err := r.item()
	if err != nil {
		return err
	}
	r.skip(len(raw))
	c, err := r.next()
	switch {
	case err != nil:
		return err
	case raw[0] != '"' || c != ':':
		return errBroken
	}
	r.skip(1)
	_, err = r.next()
	return err
}

// next skips space and commas and returns the byte that follows, which it leaves.
func (r *reader) next() (byte, error) {
	for {
		c, err := r.peek()
		switch {
		case errors.Is(err, io.EOF):
			return 0, errCut
		case err != nil:
			return 0, err
		case c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != ',':
			return c, nil
		}
		r.skip(1)
	}
}

func (r *reader) peek() (byte, error) {
	b, err := r.in.Peek(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// skip goes on by n bytes, which have been seen.
func (r *reader) skip(n int) {
	b, _ := r.in.Peek(n)
	r.line += bytes.Count(b, []byte("\n"))
	_, _ = r.in.Discard(len(b))
}
