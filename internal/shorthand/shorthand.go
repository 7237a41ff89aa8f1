// Package shorthand reads values as the AWS CLI takes them: in JSON, or in its shorthand syntax.
package shorthand

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Decode reads a value as the AWS CLI takes it, in JSON or in its shorthand syntax (awsvpcConfiguration={subnets=[a,b]}), into a type of the SDK.
// Names are those of the API, in any case. The error names the place.
func Decode(text string, into any) error {
	text = strings.TrimSpace(text)
	raw, given := []byte(text), true // as JSON, whose places are the person's
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		p := &parser{text: text}
		value, err := p.pairs(0)
		if err != nil {
			return err
		}
		if raw, err = json.Marshal(value); err != nil {
			return fmt.Errorf("read shorthand: %w", err)
		}
		given = false
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return plain(err, len(raw), given)
	}
	if _, err := d.Token(); err != io.EOF { // More takes a closing bracket for an end
		return fmt.Errorf("something follows at character %d", d.InputOffset()+1)
	}
	return nil
}

// plain says what is wrong with JSON, and where in it if that was given by a person.
func plain(err error, length int, given bool) error {
	place := func(at int64) string {
		if !given {
			return ""
		}
		return fmt.Sprintf(" (character %d)", at)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		names := strings.Split(kind.Field, ".")
		for i, name := range names {
			names[i] = strings.ToLower(name[:min(1, len(name))]) + name[min(1, len(name)):]
		}
		what := strings.Join(names, ".")
		if what == "" {
			what = "the value"
		}
		return fmt.Errorf("%s must be %s%s", what, wanted(kind.Type), place(kind.Offset))
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("what is there is not JSON%s", place(wrong.Offset))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the JSON ends too early%s", place(int64(length)))
	}
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
}

// wanted are the words for what a field of a type takes.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		switch t.Elem().Kind() {
		case reflect.String:
			return "a list of texts"
		case reflect.Struct:
			return "a list of objects"
		}
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object with names and values"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number within the range that the field has"
}

// parser reads KEY=VALUE pairs; a value is a word, a text in quotes, a [list] or {pairs}.
type parser struct {
	text string
	at   int
}

func (p *parser) next() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) wrong(want string) error {
	return fmt.Errorf("character %d: %s is missing", p.at+1, want)
}

// pairs reads up to the byte end, which it takes; 0 is the end of the text.
func (p *parser) pairs(end byte) (map[string]any, error) {
	out := map[string]any{}
	for {
		from := p.at
		for p.at < len(p.text) && !strings.ContainsRune("=,{}[]\"'", rune(p.text[p.at])) {
			p.at++
		}
		key := strings.TrimSpace(p.text[from:p.at])
		if key == "" || p.next() != '=' {
			return nil, p.wrong("KEY=VALUE")
		}
		p.at++
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		out[key] = value
		switch c := p.next(); {
		case c == end && (end != 0 || p.at == len(p.text)):
			p.at++
			return out, nil
		case c != ',':
			return nil, p.wrong("a comma or the end")
		}
		p.at++
	}
}

func (p *parser) value() (any, error) {
	switch c := p.next(); c {
	case '{':
		p.at++
		return p.pairs('}')
	case '[':
		p.at++
		list := []any{}
		for p.next() != ']' {
			v, err := p.value()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
			switch p.next() {
			case ',':
				p.at++
			case ']':
			default:
				return nil, p.wrong("a comma or ]")
			}
		}
		p.at++
		return list, nil
	case '"', '\'':
		end := strings.IndexByte(p.text[p.at+1:], c)
		if end < 0 {
			return nil, p.wrong("the closing quote")
		}
		text := p.text[p.at+1 : p.at+1+end]
		p.at += end + 2
		return text, nil
	}
	from := p.at
	for p.at < len(p.text) && !strings.ContainsRune(",{}[]", rune(p.text[p.at])) {
		p.at++
	}
	return strings.TrimSpace(p.text[from:p.at]), nil
}
