package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/backstop-ecs/backstop/internal/tunable"
)

// value is what was found for a key, after its checks.
type value struct {
	spec *key
	path string
	// line and column are of the value, for problems found later.
	line, column int
	// bad: a problem has been reported here; text is then empty.
	bad    bool
	text   string
	fields map[string]*value
	items  []*value
}

// get returns the value of a mapping's key, or nil; it may be asked of nil.
func (v *value) get(name string) *value {
	if v == nil {
		return nil
	}
	return v.fields[name]
}

// str returns the text behind a mapping's key, or its default; "" when there is neither or it was wrong.
func (v *value) str(name string) string {
	if f := v.get(name); f != nil {
		return f.text
	}
	if v != nil && v.spec.find(name) != nil {
		return v.spec.find(name).def
	}
	return ""
}

// list returns the items behind a mapping's key.
func (v *value) list(name string) []*value {
	if f := v.get(name); f != nil {
		return f.items
	}
	return nil
}

// report adds a problem at the value.
func (c *checker) report(v *value, text, found, hint string) {
	v.bad = true
	c.add(Problem{Line: v.line, Column: v.column, Path: v.path, Text: text, Value: found, Hint: hint})
}

// check compares a node with what its key takes, reports what is wrong and returns what is right.
func (c *checker) check(k *key, n *yaml.Node, path string, depth int) *value {
	v := &value{spec: k, path: path, line: n.Line, column: n.Column}
	c.values++
	if c.values > valuesMax {
		v.bad = true
		return v // Parse says so, once
	}
	if depth > depthMax {
		c.report(v, fmt.Sprintf("is nested more than %d deep", depthMax), "", "")
		return v
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return c.check(k, n.Alias, path, depth+1)
	}
	switch {
	case k.kind == kindMap && n.Kind == yaml.MappingNode:
		c.checkMapping(v, n, depth)
	case k.kind == kindMap && n.Kind == yaml.ScalarNode && k.short != "" && n.ShortTag() != "!!null":
		v.fields = map[string]*value{k.short: c.check(k.find(k.short), n, path, depth+1)}
	case k.kind == kindList && n.Kind == yaml.SequenceNode:
		c.checkList(v, n, depth)
	case k.kind == kindPairs && n.Kind == yaml.MappingNode:
		c.checkPairs(v, n, depth)
	case k.kind != kindMap && k.kind != kindList && k.kind != kindPairs && n.Kind == yaml.ScalarNode:
		c.checkScalar(v, n)
	default:
		c.report(v, "must be "+k.takes(), show(k, n, v.path), "")
	}
	return v
}

func (c *checker) checkMapping(v *value, n *yaml.Node, depth int) {
	v.fields = make(map[string]*value, len(n.Content)/2)
	lines := make(map[string]int, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, node := n.Content[i], n.Content[i+1]
		if name.ShortTag() == "!!merge" {
			merges = append(merges, node)
			continue
		}
		at := &value{path: v.path, line: name.Line, column: name.Column}
		if name.Kind != yaml.ScalarNode {
			c.report(at, "a key must be text", show(v.spec, name, v.path), "")
			continue
		}
		if line, twice := lines[name.Value]; twice {
			at.path = under(v.path, cut(veil(name.Value)))
			c.report(at, fmt.Sprintf("is already set in line %d", line), "", "keep one of them")
			continue
		}
		lines[name.Value] = name.Line
		c.checkKey(v, name, node, depth)
	}
	for _, m := range merges {
		c.merge(v, m, depth)
	}
	c.checkPresence(v)
}

func (c *checker) checkKey(v *value, name, node *yaml.Node, depth int) {
	k := v.spec.find(name.Value)
	if k != nil {
		v.fields[k.name] = c.check(k, node, under(v.path, k.name), depth+1)
		return
	}
	at := &value{path: under(v.path, cut(veil(name.Value))), line: name.Line, column: name.Column}
	if c.values++; len(c.problems) >= problemsMax {
		c.report(at, "unknown key", "", "") // only counted
		return
	}
	hint := misplaced(v.spec, name.Value)
	if meant := suggest(name.Value, v.spec.names()); hint == "" && meant != "" {
		hint = fmt.Sprintf("did you mean %q?", meant)
		if v.fields[meant] == nil { // it is not absent as well
			v.fields[meant] = &value{spec: v.spec.find(meant), path: at.path, line: at.line, column: at.column, bad: true}
		}
	}
	if hint == "" {
		hint = "known keys: " + strings.Join(v.spec.names(), ", ")
		if len(v.spec.keys) > keysShown {
			hint = "`backstop config explain` lists the known keys"
		}
	}
	c.report(at, "unknown key", strconv.Quote(cut(veil(name.Value))), hint)
}

// merge takes the keys of a merged mapping ("<<") that the mapping itself does not set.
func (c *checker) merge(v *value, n *yaml.Node, depth int) {
	if c.values++; depth > depthMax || c.values > valuesMax {
		return // Parse says so, once
	}
	switch {
	case n.Kind == yaml.AliasNode && n.Alias != nil:
		c.merge(v, n.Alias, depth+1)
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			c.merge(v, item, depth+1)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content) && c.values <= valuesMax; i += 2 {
			c.values++
			name := n.Content[i]
			if name.ShortTag() == "!!merge" {
				c.merge(v, n.Content[i+1], depth+1)
			} else if _, set := v.fields[name.Value]; !set {
				c.checkKey(v, name, n.Content[i+1], depth)
			}
		}
	default:
		c.report(&value{path: v.path, line: n.Line, column: n.Column}, "<< must be a mapping or an alias of one", show(v.spec, n, v.path), "")
	}
}

// checkPresence reports required keys that are absent, and choices that are not made.
func (c *checker) checkPresence(v *value) {
	if v.spec.oneOf {
		var have []string
		for _, k := range v.spec.choices() {
			if v.fields[k] != nil {
				have = append(have, k)
			}
		}
		if len(have) != 1 {
			found := strings.Join(have, " and ")
			if found == "" {
				found = "none"
			}
			c.report(v, "must have exactly one of "+join(v.spec.choices()), found, "")
		}
		return
	}
	for i := range v.spec.keys {
		k := &v.spec.keys[i]
		if k.required && v.fields[k.name] == nil {
			c.report(&value{path: under(v.path, k.name), line: v.line, column: v.column}, "is required", "", "it takes "+k.takes())
		}
	}
}

func (c *checker) checkList(v *value, n *yaml.Node, depth int) {
	low, high := int(v.spec.min), int(v.spec.max)
	if len(n.Content) < low || len(n.Content) > high {
		c.report(v, fmt.Sprintf("must have between %d and %d items", low, high), strconv.Itoa(len(n.Content)), "")
		if len(n.Content) > high {
			return // thousands of items would drown the one problem that matters
		}
	}
	for i, item := range n.Content {
		v.items = append(v.items, c.check(v.spec.item, item, fmt.Sprintf("%s[%d]", v.path, i), depth+1))
	}
}

func (c *checker) checkPairs(v *value, n *yaml.Node, depth int) {
	if most := int(v.spec.max); len(n.Content)/2 > most {
		c.report(v, fmt.Sprintf("must have at most %d entries", most), strconv.Itoa(len(n.Content)/2), "")
		return
	}
	v.fields = make(map[string]*value, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		at := &value{path: v.path, line: name.Line, column: name.Column}
		switch {
		case name.Kind != yaml.ScalarNode || !v.spec.form.MatchString(name.Value):
			c.report(at, "a name must be "+v.spec.says, show(v.spec, name, v.path), "")
		case v.fields[name.Value] != nil:
			c.report(at, fmt.Sprintf("%s is already set in line %d", name.Value, v.fields[name.Value].line), "", "keep one of them")
		default:
			v.fields[name.Value] = c.check(v.spec.item, n.Content[i+1], under(v.path, name.Value), depth+1)
		}
	}
}

func (c *checker) checkScalar(v *value, n *yaml.Node) {
	k, tag := v.spec, n.ShortTag()
	if tag == "!!null" {
		c.report(v, "must not be empty", "", "it takes "+k.takes())
		return
	}
	problem, hint := k.wrong(n.Value, tag)
	if problem != "" {
		c.report(v, problem, show(k, n, v.path), hint)
		return
	}
	v.text = n.Value
}

// wrong says what is wrong with a scalar, and what was probably meant; "" when nothing is.
func (k *key) wrong(text, tag string) (problem, hint string) {
	number := tag == "!!int" || tag == "!!float"
	switch k.kind {
	case kindText:
		if tag == "!!bool" {
			return "must be " + k.says, "quote it if it is meant as text"
		}
		if !k.form.MatchString(text) {
			return "must be " + k.says, ""
		}
		if k.judge != nil {
			return k.judge(text), ""
		}
	case kindEnum:
		if !slices.Contains(k.values, text) {
			return "must be " + join(k.values), didYouMean(text, k.values)
		}
	case kindInt, kindNumber:
		return k.wrongNumber(text, number), ""
	case kindDuration:
		return k.wrongDuration(text), ""
	case kindBool:
		return wrongBool(text, tag)
	case kindField:
		switch k.field.Kind {
		case tunable.KindBool:
			return wrongBool(text, tag)
		case tunable.KindInt, tunable.KindShare, tunable.KindUSD:
			if !number {
				return "must be a number", unquote(text)
			}
		}
		problem = k.field.Check(text)
		if problem != "" && len(k.values) > 0 {
			hint = didYouMean(text, k.values)
		}
	}
	return problem, hint
}

func (k *key) wrongNumber(text string, number bool) string {
	x, err := strconv.ParseFloat(text, 64)
	if !number || err != nil || !(x >= k.min && x <= k.max) {
		return "must be " + k.takes()
	}
	if k.kind == kindInt {
		if _, err := strconv.Atoi(text); err != nil {
			return "must be " + k.takes()
		}
	}
	return ""
}

func (k *key) wrongDuration(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return fmt.Sprintf("must carry its unit, as in %q", text+"s")
	}
	d, err := time.ParseDuration(text)
	if err != nil || d.Seconds() < k.min || d.Seconds() > k.max {
		return "must be " + k.takes()
	}
	return ""
}

func wrongBool(text, tag string) (problem, hint string) {
	if text == "true" || text == "false" {
		if tag == "!!bool" {
			return "", ""
		}
		return "must be true or false", "without quotes"
	}
	switch strings.ToLower(text) {
	case "yes", "on", "y", "true":
		hint = "did you mean true?"
	case "no", "off", "n", "false":
		hint = "did you mean false?"
	}
	return "must be true or false", hint
}

// unquote is the hint for a number that was written as text.
func unquote(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return "without quotes"
	}
	return ""
}

// show is how a node's value is shown in a problem.
func show(k *key, n *yaml.Node, path string) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case k.secret || k.hasSecret():
		return Redacted
	case strings.HasPrefix(path, "notify"): // a receiver's URL may be under the wrong key
		return strconv.Quote(cut(veil(n.Value)))
	}
	return strconv.Quote(cut(n.Value))
}

// hasSecret says that a scalar in the place of a mapping may be the secret that belongs inside it.
func (k *key) hasSecret() bool {
	return slices.ContainsFunc(k.keys, func(c key) bool { return c.secret || c.hasSecret() })
}

func cut(s string) string {
	if r := []rune(s); len(r) > shownMax {
		return string(r[:shownMax]) + "..."
	}
	return s
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// join is "a, b or c".
func join(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}

// writeSeconds writes a duration without the zero parts that [time.Duration.String] has: 10m, not 10m0s.
func writeSeconds(s float64) string {
	text := time.Duration(s * float64(time.Second)).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
