package config

import (
	"regexp"
	"sync"
)

// form is what a text must match. It is compiled when it is first needed: a function's cold start pays for the forms
// that its configuration uses, and not for all (4 ms).
type form struct {
	text string
	once sync.Once
	re   *regexp.Regexp
}

func newForm(text string) *form { return &form{text: text} }

// String returns the regular expression.
func (f *form) String() string { return f.text }

// MatchString says whether a text has the form.
func (f *form) MatchString(s string) bool {
	f.once.Do(func() { f.re = regexp.MustCompile(f.text) })
	return f.re.MatchString(s)
}
