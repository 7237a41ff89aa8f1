package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// entry is one key with the path to it, for people: workloads[].pools[].max.
type entry struct {
	path string
	key  *key
}

// entries lists every key of the format, parents first.
func entries() []entry {
	var out []entry
	var walk func(k *key, path string)
	walk = func(k *key, path string) {
		for i := range k.keys {
			child := &k.keys[i]
			at := under(path, child.name)
			if child.kind == kindList {
				at += "[]"
			}
			out = append(out, entry{at, child})
			walk(child, at)
		}
		if k.item != nil {
			walk(k.item, path)
		}
	}
	walk(&spec, "")
	return out
}

// Keys lists the paths of every key, as [Explain] takes them.
func Keys() []string {
	all := entries()
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = e.path
	}
	return out
}

var anyIndex = regexp.MustCompile(`\[[^\]]*\]`)

// Explain says what a key does, what it takes and why its default is what it is. path is the key's path, with
// or without indexes, or the end of it as long as that is unique enough: start_limit, pools.max,
// workloads[0].pools[1].capacity. The first key that fits is taken. ok is false when there is none; text then
// says which was probably meant, if any was.
func Explain(path string) (text string, ok bool) {
	want := anyIndex.ReplaceAllString(path, "")
	all := entries()
	for _, exact := range []bool{true, false} {
		for _, e := range all {
			plainPath := anyIndex.ReplaceAllString(e.path, "")
			if plainPath == want || !exact && want != "" && strings.HasSuffix(plainPath, "."+want) {
				return e.text(), true
			}
		}
	}
	var names []string
	for _, e := range all {
		names = append(names, e.key.name)
	}
	last := want[strings.LastIndexByte(want, '.')+1:]
	return didYouMean(last, names), false
}

func (e entry) text() string {
	k := e.key
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\ntakes:   %s\n", e.path, k.doc, k.takesAll())
	if u := k.field.Unit; u != "" {
		fmt.Fprintf(&b, "unit:    %s\n", u)
	}
	switch {
	case k.required:
		b.WriteString("default: none, it is required\n")
	case k.def != "":
		fmt.Fprintf(&b, "default: %s\n", k.def)
	}
	if k.kind == kindField {
		fmt.Fprintf(&b, "why:     %s\n", k.field.Why)
		for _, line := range presetLines(k.field) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// takesAll is takes, and what a mapping holds.
func (k *key) takesAll() string {
	s := k.takes()
	if k.kind == kindMap && k.short == "" {
		switch choices := k.choices(); {
		case !k.oneOf:
			s += " of " + strings.Join(k.names(), ", ")
		case len(choices) < len(k.keys):
			s += " of one of " + strings.Join(choices, ", ") + ", and others"
		default:
			s += " of one of " + strings.Join(choices, ", ")
		}
	}
	return s
}

// presetLines says which presets have another value than the default one.
func presetLines(f tunable.Field) []string {
	var out []string
	fill, _ := failover.Preset(failover.PresetFill)
	for _, name := range failover.PresetNames() {
		if p, _ := failover.Preset(name); f.Get(&p) != f.Get(&fill) {
			out = append(out, fmt.Sprintf("preset %s: %s", name, f.Get(&p)))
		}
	}
	return out
}
