package input

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// packed are the forms that Text refuses by name, by how their bytes begin.
var packed = []struct{ begin, name string }{
	{"PK\x03\x04", "a zip archive"}, {"\x28\xb5\x2f\xfd", "zstd data"}, {"BZh", "bzip2 data"}, {"\xfd7zXZ\x00", "xz data"}, {"PAR1", "a Parquet file"},
}

// Text returns the UTF-8 text that r holds, as it is read: gzip is unpacked (several members count as one), UTF-16 is converted, a byte order
// mark is dropped. Reading fails after max bytes of text, so that a small file cannot become an endless one. The error names another packed form.
func Text(r io.Reader, max int64) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	begin, err := peek(in)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, cutOff(err)
		}
		in = bufio.NewReaderSize(&bounded{name: "the unpacked text", from: unpacked{z}, max: max, ended: func() error { return nil }}, 64<<10)
		if begin, err = peek(in); err != nil {
			return nil, err
		}
	}
	for _, p := range packed {
		if bytes.HasPrefix(begin, []byte(p.begin)) {
			return nil, fmt.Errorf("it is %s; unpack it first, or pack it with gzip", p.name)
		}
	}
	switch {
	case bytes.HasPrefix(begin, []byte{0xef, 0xbb, 0xbf}):
		_, err := in.Discard(3)
		return in, err
	case bytes.HasPrefix(begin, []byte{0xff, 0xfe}), len(begin) >= 4 && begin[0] != 0 && begin[1] == 0 && begin[2] != 0 && begin[3] == 0:
		return &wide{from: in, order: binary.LittleEndian}, nil
	case bytes.HasPrefix(begin, []byte{0xfe, 0xff}), len(begin) >= 4 && begin[0] == 0 && begin[1] != 0 && begin[2] == 0 && begin[3] != 0:
		return &wide{from: in, order: binary.BigEndian}, nil
	}
	return in, nil
}

// peek returns the first bytes, fewer where there are no more.
func peek(in *bufio.Reader) ([]byte, error) {
	begin, err := in.Peek(8)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return begin, err
}

// unpacked is gzip data whose errors say what is wrong with the file.
type unpacked struct{ from io.Reader }

func (u unpacked) Read(to []byte) (int, error) {
	n, err := u.from.Read(to)
	return n, cutOff(err)
}

func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the gzip data ends too early: the file was cut off")
	}
	return err
}

// wide reads UTF-16 as UTF-8. What is no character becomes U+FFFD.
type wide struct {
	from  *bufio.Reader
	order binary.ByteOrder
	begun bool
	left  []byte // of the character that did not fit
}

func (w *wide) Read(to []byte) (int, error) {
	n := copy(to, w.left)
	w.left = w.left[n:]
	for n < len(to) {
		if n > 0 && w.from.Buffered() < 4 {
			return n, nil // more would have to be waited for
		}
		c, err := w.next()
		if err != nil {
			return n, err
		}
		first := !w.begun
		w.begun = true
		if first && c == '\uFEFF' {
			continue
		}
		text := utf8.AppendRune(nil, c)
		k := copy(to[n:], text)
		n, w.left = n+k, text[k:]
	}
	return n, nil
}

func (w *wide) next() (rune, error) {
	unit := func() (rune, error) {
		b, err := w.from.Peek(2)
		if len(b) < 2 {
			return 0, err
		}
		return rune(w.order.Uint16(b)), nil
	}
	c, err := unit()
	if err != nil {
		return 0, err
	}
	_, _ = w.from.Discard(2)
	if !utf16.IsSurrogate(c) {
		return c, nil
	}
	second, err := unit()
	if err != nil {
		return utf8.RuneError, nil
	}
	both := utf16.DecodeRune(c, second)
	if both != utf8.RuneError {
		_, _ = w.from.Discard(2)
	}
	return both, nil
}
