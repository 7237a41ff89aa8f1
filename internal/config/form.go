package config

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// repeatMax is the longest repeat that is compiled as it stands: the expression spells repeats out, and one of up to 512 takes half a
// millisecond.
const repeatMax = 30

// form is what a text must match. It is compiled when it is first needed: a function's cold start pays for the forms
// that its configuration uses, and not for all (4 ms).
type form struct {
	text   string
	once   sync.Once
	re     *regexp.Regexp
	bounds []bound
}

// bound is the most characters of a group.
type bound struct{ group, most int }

func newForm(text string) *form { return &form{text: text} }

// String returns the regular expression.
func (f *form) String() string { return f.text }

// MatchString says whether a text has the form.
func (f *form) MatchString(s string) bool {
	f.once.Do(f.compile)
	at := f.re.FindStringSubmatchIndex(s)
	if at == nil {
		return false
	}
	for _, b := range f.bounds {
		if at[2*b.group+1]-at[2*b.group] > b.most {
			return false
		}
	}
	return true
}

// compile makes of a long repeat of a class, such as [a-z]{1,255}, a group without an upper bound, whose length is compared instead.
func (f *form) compile() {
	var out strings.Builder
	for rest := f.text; ; {
		end := strings.Index(rest, "]{")
		if end < 0 {
			out.WriteString(rest)
			break
		}
		var low, most int
		class, after := strings.LastIndexByte(rest[:end], '['), end+strings.IndexByte(rest[end:], '}')+1
		if n, _ := fmt.Sscanf(rest[end:after], "]{%d,%d}", &low, &most); n != 2 || most <= repeatMax {
			out.WriteString(rest[:after])
			rest = rest[after:]
			continue
		}
		out.WriteString(rest[:class])
		f.bounds = append(f.bounds, bound{1 + strings.Count(out.String(), "("), most})
		fmt.Fprintf(&out, "(%s{%d,})", rest[class:end+1], low)
		rest = rest[after:]
	}
	f.re = regexp.MustCompile(out.String())
}
