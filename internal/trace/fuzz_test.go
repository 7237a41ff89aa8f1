package trace

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzParse: whatever the text, Parse neither panics nor returns a trace that Check refuses, and what it returns survives writing.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"seconds,spot\n0,10\n60,inf\n", "# note\nseconds,spot/a,spot/b,on_demand,demand\n0,inf,5,inf,10\n60.5,0,,,12\n",
		"seconds,spot\n0,1e3\n1e-9,2\n", "\xef\xbb\xbfseconds,\"spot\"\r\n0,\"1\"\r\n", "seconds,spot\n0,NaN\n", "seconds,a/b/c\n0,1\n", ",,\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tr, err := Parse(bytes.NewReader(text), "f")
		if err != nil {
			return
		}
		if tr.Duration == 0 {
			tr.Duration = 60e9 // one row: the caller says how long
		}
		if err := tr.Check(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var out bytes.Buffer
		if err := Write(&out, tr); err != nil {
			t.Fatal(err)
		}
		back, err := Parse(bytes.NewReader(out.Bytes()), "f")
		if err != nil {
			t.Fatalf("%q was written as %q: %v", text, out.Bytes(), err)
		}
		if back.Duration != tr.Duration || !slices.Equal(back.Columns, tr.Columns) {
			t.Fatalf("%q came back as %q", text, out.Bytes())
		}
	})
}
