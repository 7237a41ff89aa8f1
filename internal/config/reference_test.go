package config

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

func TestTheReferenceInDocsIsTheGeneratedOne(t *testing.T) {
	golden(t, "../../docs/configuration.md", Reference())
	text := string(Reference())
	for _, path := range Keys() {
		name := path[strings.LastIndexByte(path, '.')+1:]
		if !strings.Contains(text, "`"+path+"`") && !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the reference lacks %s", path)
		}
	}
}

func TestTheExampleIsTheDefaultAndHasEveryKey(t *testing.T) {
	golden(t, "../../examples/backstop.yaml", Example())
	f, err := Parse(Example(), "backstop.yaml")
	if err != nil || len(f.Warnings) > 0 {
		t.Fatal(err, f.Warnings)
	}
	short := strings.NewReplacer("name: api", "name: analytics", "cluster: prod", "cluster: AnalyticsCluster", "api-", "analytics-").
		Replace(string(read(t, "testdata/good/minimal.yaml")))
	want, err := Parse([]byte(short), "backstop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("the example sets something else than a default:\n got %+v\nwant %+v", f, want)
	}
	for _, e := range entries() {
		if !regexp.MustCompile(`(?m)[\s{-]` + e.key.name + `:`).Match(Example()) {
			t.Errorf("the example lacks %s", e.path)
		}
	}
}

// TestTheCommentedExamplesAreValidToo takes the comment marks off everything that is shown as an example.
func TestTheCommentedExamplesAreValidToo(t *testing.T) {
	text := string(Example())
	text = regexp.MustCompile(`(?m)^( *)#   ( *\S)`).ReplaceAllString(text, "$1$2")
	text = strings.Replace(text, "  sqlite: backstop.db\n", "", 1)
	text = strings.Replace(text, "\ndynamodb:", "\n  dynamodb:", 1)
	text = strings.Replace(text, "    owner: spot\n", "", 1)
	f, err := Parse([]byte(text), "backstop.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if f.State.DynamoDB != "backstop" || len(f.Notify) != 3 || f.Workloads[0].Policy.Demand != 200 || f.Workloads[0].Task.CPU != 1024 || f.Workloads[0].Pools[0].RoleARN == "" {
		t.Errorf("something stayed a comment: %+v", f)
	}
}

func TestTheSchemaAgreesWithParse(t *testing.T) {
	s := compile(t)
	if err := s.Validate(asJSON(t, Example())); err != nil {
		t.Errorf("the example: %v", err)
	}
	for _, file := range files(t, "testdata/good/*.yaml") {
		if err := s.Validate(asJSON(t, read(t, file))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, name := range []string{
		"unknown_top_key", "unknown_policy_key", "unknown_preset", "bare_duration", "number_out_of_range", "number_in_quotes", "enum_of_policy",
		"pool_missing_keys", "pool_capacity", "state_both", "state_neither", "notify_two_in_one", "no_version", "version_2", "empty_workloads", "task_sizes", "tick_bare",
	} {
		if err := s.Validate(asJSON(t, read(t, "testdata/bad/"+name+".yaml"))); err == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
	for _, d := range []string{"10m", "1h30m", "90s", "500ms", "1.5h", "0"} {
		if !regexp.MustCompile(durationPattern).MatchString(d) {
			t.Errorf("the pattern refuses %q", d)
		}
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is the file as a validator sees it: dates are text there.
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	data = regexp.MustCompile(`date: (\S+)`).ReplaceAll(data, []byte(`date: "$1"`))
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExplainFindsAKeyByItsPathOrItsEnd(t *testing.T) {
	for path, want := range map[string][]string{
		"start_limit":                            {"workloads[].policy.start_limit", "takes:   30s to 1h", "default: 3m", "why:     The slowest"},
		"workloads[0].policy.on_budget":          {"hold or release"},
		"workloads[0].policy.observe":            {"preset observe: true"},
		"workloads.pools.drain":                  {"off or late", "default: off"},
		"workloads.pools.max":                    {"workloads[].pools[].max", "default: 0"},
		"workloads[3].pools[1].capacity":         {"FARGATE_SPOT or FARGATE", "it is required"},
		"overstart":                              {"unit:    share of what is missing"},
		"state":                                  {"a mapping of one of sqlite, dynamodb"},
		"policy":                                 {"fill, switch or observe, or a mapping"},
		"prices.table.region":                    {"prices.table[].region"},
		"demand":                                 {"workloads[].demand"},
		"workloads.policy.failovers_max_per_day": {"failovers"},
	} {
		text, ok := Explain(path)
		if !ok {
			t.Errorf("%s: not found", path)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", path, w, text)
			}
		}
	}
	for path, want := range map[string]string{"start_limt": `did you mean "start_limit"?`, "kubernetes": "", "": "", "workloads.pools.start_limit.x": "", "[0]": ""} {
		if text, ok := Explain(path); ok || text != want {
			t.Errorf("%q: %q, %v", path, text, ok)
		}
	}
	for _, path := range Keys() {
		if _, ok := Explain(path); !ok {
			t.Errorf("%s is a key that Explain does not know", path)
		}
	}
}

func TestEveryTunableOfThePolicyIsAKey(t *testing.T) {
	for _, f := range tunable.Fields() {
		parent := workloadSpec.find("policy")
		if workloadKey(f.Key) {
			parent = &workloadSpec
		}
		if parent.find(f.Key) == nil {
			t.Errorf("%s cannot be configured", f.Key)
		}
	}
	for _, e := range entries() {
		if e.key.doc == "" {
			t.Errorf("%s has no doc", e.path)
		}
		if e.key.kind == kindText && (e.key.form == nil || e.key.says == "") {
			t.Errorf("%s takes any text", e.path)
		}
		if d := e.key.def; d != "" && e.key.kind == kindText && !e.key.form.MatchString(d) {
			t.Errorf("%s refuses its own default %q", e.path, d)
		}
	}
}

// TestImportsStayPure: the configuration is read by the daemon, the Lambda, the CLI and an editor's check alike;
// files, the environment and secrets are its callers' business.
func TestImportsStayPure(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("skipped: no go command on PATH to list imports with")
	}
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(goTool, "list", "-f", `{{join .Imports "\n"}}`, ".")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list imports: %v", err)
	}
	allowed := map[string]string{
		"cmp": "value", "maps": "value", "encoding/json": "the schema", "errors": "value", "fmt": "value", "hash/fnv": "seeds", "io": "fmt.Formatter",
		"regexp": "forms", "sync": "forms that are compiled once", "slices": "value", "strconv": "value", "strings": "value", "unicode": "value", "time": "durations; the clock is not read",
		"go.yaml.in/yaml/v4": "the format", "github.com/backstop-ecs/backstop/internal/failover": "the policy it fills in",
		"github.com/backstop-ecs/backstop/internal/tunable": "what can be set of it",
		"github.com/backstop-ecs/backstop/internal/hookurl": "what a receiver's URL may be; it resolves nothing",
	}
	for _, p := range strings.Fields(string(out)) {
		if allowed[p] == "" {
			t.Errorf("package config imports %s: it is pure and may only turn bytes into values", p)
		}
	}
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
