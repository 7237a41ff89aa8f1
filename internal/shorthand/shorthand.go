// Package shorthand reads values as the AWS CLI takes them: in JSON, or in its shorthand syntax.
package shorthand

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Decode reads a value as the AWS CLI takes it, in JSON or in its shorthand syntax (awsvpcConfiguration={subnets=[a,b]}), into a type of the SDK.
// Names are those of the API, in any case. The error names the place.
func Decode(text string, into any) error {
	text = strings.TrimSpace(text)
	raw := []byte(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		p := &parser{text: text}
		value, err := p.pairs(0)
		if err != nil {
			return err
		}
		if raw, err = json.Marshal(value); err != nil {
			return fmt.Errorf("read shorthand: %w", err)
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF { // More takes a closing bracket for an end
		return fmt.Errorf("something follows at character %d", d.InputOffset()+1)
	}
	return nil
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
