package input

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// units are the bytes of UTF-16.
func units(text string, little bool) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if little {
			out = append(out, byte(u), byte(u>>8))
		} else {
			out = append(out, byte(u>>8), byte(u))
		}
	}
	return string(out)
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

func TestTextIsReadInEveryEncoding(t *testing.T) {
	const text = "{\"a\": \"é😀\"}\nsecond line\n"
	for name, in := range map[string]string{
		"UTF-8": text, "UTF-8 with a mark": "\xef\xbb\xbf" + text, "UTF-16": units("\uFEFF"+text, true), "UTF-16, big end first": units("\uFEFF"+text, false),
		"UTF-16 without a mark": units(text, true), "big end first without a mark": units(text, false),
		"gzip": zipped(text), "gzip in two members": zipped(text[:9]) + zipped(text[9:]), "UTF-16 in gzip": zipped(units("\uFEFF"+text, true)),
	} {
		for way, r := range map[string]io.Reader{"at once": strings.NewReader(in), "by bytes": iotest.OneByteReader(strings.NewReader(in))} {
			from, err := Text(r, 1<<20)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got, err := io.ReadAll(iotest.OneByteReader(from)); err != nil || string(got) != text {
				t.Errorf("%s, %s: %q, %v", name, way, got, err)
			}
		}
	}
}

func TestTextThatCannotBeReadNamesItsForm(t *testing.T) {
	whole := zipped(strings.Repeat("0123456789abcdef\n", 4000))
	for name, c := range map[string]struct{ in, want string }{
		"zip": {"PK\x03\x04rest", "a zip archive"}, "zstd in gzip": {zipped("\x28\xb5\x2f\xfdrest"), "zstd data"},
		"cut gzip": {zipped("some words")[:20], "the file was cut off"}, "cut head": {whole[:5], "the file was cut off"},
		"a small file of much text": {whole, "the unpacked text has more than 1000 bytes"},
	} {
		from, err := Text(strings.NewReader(c.in), 1000)
		if err == nil {
			_, err = io.Copy(io.Discard, from)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if from, err := Text(strings.NewReader(units("ab", true)+"\xd8"), 9); err != nil {
		t.Error(err)
	} else if got, _ := io.ReadAll(from); string(got) != "ab" {
		t.Errorf("half a unit at the end: %q", got)
	}
}
