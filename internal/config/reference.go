package config

import (
	"fmt"
	"regexp"
	"slices"
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

// Reference returns docs/configuration.md.
func Reference() []byte {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("\n## Keys\n\n| key | takes | default | what it does |\n| --- | --- | --- | --- |\n")
	for _, e := range entries() {
		if e.key.kind != kindField {
			row(&b, "`"+e.path+"`", e.key.takes(), defaultOf(e.key), e.key.doc)
		}
	}
	b.WriteString("\n## Numbers of a policy\n\nThey stand under `policy`, beside `preset`. A preset is only a set of these values.\n")
	for _, group := range groups() {
		fmt.Fprintf(&b, "\n### %s\n\n| key | takes | %s | what it does | why this default |\n| --- | --- |%s --- | --- |\n",
			strings.ToUpper(group[:1])+group[1:], strings.Join(presetHeads(), " | "), strings.Repeat(" --- |", len(failover.PresetNames())))
		for _, f := range tunable.Fields() {
			if f.Group != group || workloadKey(f.Key) {
				continue
			}
			cells := []string{"`" + f.Key + "`", f.Range()}
			if f.Unit != "" {
				cells[1] += " (" + f.Unit + ")"
			}
			for _, name := range failover.PresetNames() {
				p, _ := failover.Preset(name)
				cells = append(cells, "`"+f.Get(&p)+"`")
			}
			row(&b, append(cells, f.Doc, f.Why)...)
		}
	}
	return []byte(b.String())
}

func presetHeads() []string {
	var out []string
	for _, n := range failover.PresetNames() {
		out = append(out, "`"+n+"`")
	}
	return out
}

func groups() []string {
	var out []string
	for _, f := range tunable.Fields() {
		if !slices.Contains(out, f.Group) {
			out = append(out, f.Group)
		}
	}
	return out
}

func defaultOf(k *key) string {
	switch {
	case k.required:
		return "required"
	case k.def != "":
		return "`" + k.def + "`"
	}
	return ""
}

func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
	}
	b.WriteString("|\n")
}

const referenceHead = `# Configuration

<!-- Generated from internal/config; go test ./internal/config -update writes it. -->

Backstop reads one YAML file, ` + "`backstop.yaml`" + `. The shortest one that guards a pair of services:

` + "```yaml" + `
version: 1
workloads:
  - name: analytics
    pools:                            # in order of preference
      - {name: spot,     cluster: AnalyticsCluster, service: analytics-spot,     capacity: FARGATE_SPOT}
      - {name: standard, cluster: AnalyticsCluster, service: analytics-standard, capacity: FARGATE}
` + "```" + `

[examples/backstop.yaml](../examples/backstop.yaml) has every key with its default.

- ` + "`backstop config validate`" + ` checks a file and reports all problems at once, each with its line and column.
- ` + "`backstop config explain KEY`" + ` says what a key does and why its default is what it is.
- ` + "`backstop config schema`" + ` prints the JSON Schema; with it in a file an editor completes and checks while
  you type: ` + "`# yaml-language-server: $schema=backstop.schema.json`" + ` as the file's first line.

Unknown keys and keys set twice are errors. Durations carry their unit (` + "`90s`, `10m`, `1h30m`" + `). Anchors,
aliases and merge keys (` + "`<<`" + `) work. A file has at most 1 MiB, 5,000 workloads and 20 pools each.

Everything about reaching AWS is the AWS SDK's own configuration: ` + "`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL`" + `
and ` + "`AWS_ENDPOINT_URL_ECS`" + ` work as in every AWS program, and this file has no keys for them.

## Secrets

A Slack or webhook URL lets anybody post in your name. Give it by reference:

| reference | is read from |
| --- | --- |
| ` + "`env:NAME`" + ` | the environment variable |
| ` + "`ssm:/path/name`" + ` | the parameter of AWS Systems Manager, decrypted |
| ` + "`file:/path`" + ` | the file, without its last line break |

A URL that stands in the file itself works too. Neither form is ever printed, logged or served: they show as
` + "`[redacted]`" + `.
`
