package cli

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/adopt"
	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/drill"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/simulate"
	"github.com/backstop-ecs/backstop/internal/verify"
)

// printed are the answers in JSON, by the heading in docs/json.md that describes them.
func printed() map[string]any {
	return map[string]any{
		"status": statusFacts{}, "explain TASK": taskFacts{}, "explain": struct {
			Workloads []explainFacts `json:"workloads"`
		}{}, "history": journal.Entry{}, "failover, restore, pin, unpin, pause, resume, confirm, silence, unsilence, ack": intentFacts{},
		"adopt --list": adopt.List{}, "adopt": adopt.Plan{}, "adopt --all": adopt.Fleet{}, "doctor": doctor.Report{}, "verify-aws plan": verifyPlan{}, "verify-aws run, verify-aws report": verify.Report{}, "verify-aws watch": verifyWatched{}, "cost": costFacts{}, "cost --what-if": whatIfFacts{}, "config validate": configVerdict{}, "version": versionFacts{}, "notify test": notifiedFacts{}, "sandbox": sandboxFacts{},
		"drill": drill.Report{}, "run-task": ranAnswer{},
		"demo: a decision": demo.Decision{}, "demo: the summary": demo.Summary{}, "demo --list": scenarioList{}, "tune": simulate.Tuned{},
	}
}

// elsewhere are answers that other packages make, in sections of another form.
var elsewhere = map[string]bool{"simulate": true, "doctor": true, "cost": true}

// TestEveryPrintedFieldIsDocumented fills each answer, writes it as JSON and looks every key up in
// docs/json.md; and it wants no key there that is never printed.
func TestEveryPrintedFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := documentedKeys(string(text))
	for heading, v := range printed() {
		filled := reflect.New(reflect.TypeOf(v)).Elem()
		fill(filled)
		raw, err := json.Marshal(filled.Interface())
		if err != nil {
			t.Fatalf("%s: %v", heading, err)
		}
		var tree any
		if err := json.Unmarshal(raw, &tree); err != nil {
			t.Fatal(err)
		}
		keys := map[string]bool{}
		paths(tree, "", keys)
		for k := range keys {
			if !documented[heading][k] {
				t.Errorf("docs/json.md, %q: `%s` is printed and not documented", heading, k)
			}
		}
		for k := range documented[heading] {
			if !keys[k] {
				t.Errorf("docs/json.md, %q: `%s` is documented and never printed", heading, k)
			}
		}
	}
	for heading := range documented {
		if _, ok := printed()[heading]; !ok && !elsewhere[heading] {
			t.Errorf("docs/json.md: no command prints %q", heading)
		}
	}
}

// documentedKeys reads the first column of the tables, by heading. A second column that links to an object
// stands for that object's own keys.
func documentedKeys(text string) map[string]map[string]bool {
	row := regexp.MustCompile("^\\| `([^`]+)` \\| (?:[^|]*#object-([a-z-]+))?")
	type key struct{ name, object string }
	tables := map[string][]key{}
	heading := ""
	for line := range strings.Lines(text) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.ReplaceAll(strings.TrimSpace(h), "`", "")
		}
		if m := row.FindStringSubmatch(line); m != nil {
			tables[heading] = append(tables[heading], key{m[1], m[2]})
		}
	}
	var expand func(keys []key, under string, out map[string]bool)
	expand = func(keys []key, under string, out map[string]bool) {
		for _, k := range keys {
			out[under+k.name] = true
			expand(tables["Object: "+strings.ReplaceAll(k.object, "-", " ")], under+k.name+".", out)
		}
	}
	out := map[string]map[string]bool{}
	for h, keys := range tables {
		if !strings.HasPrefix(h, "Object: ") {
			out[h] = map[string]bool{}
			expand(keys, "", out[h])
		}
	}
	return out
}

func paths(v any, at string, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			p := k
			if at != "" {
				p = at + "." + k
			}
			if at == "environment" { // a map whose keys are values
				continue
			}
			suffix := ""
			if _, list := child.([]any); list {
				suffix = "[]"
			}
			out[p+suffix] = true
			paths(child, p+suffix, out)
		}
	case []any:
		for _, child := range v {
			paths(child, at, out)
		}
	}
}

var everyAction = journal.Actions{failover.SetDesiredCount{Pool: "p", Count: 1, From: 2}, failover.ParkScaling{Pool: "p", Max: 1, SuspendedScheduled: true},
	failover.RestoreScaling{Pool: "p", Scaling: failover.Scaling{Known: true, Present: true, Min: 1, Max: 2, SuspendedIn: true, SuspendedOut: true, SuspendedScheduled: true}},
	failover.SyncTaskDefinition{Pool: "p", TaskDefinition: "t"}, failover.StopTask{Pool: "p", Task: "t"},
	failover.HoldDemand{Pool: "p", Demand: 1}, failover.DrainTask{Pool: "p", Task: "t"}}

// fill sets every field to something that is printed.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage("1")))
		return
	case journal.Actions:
		v.Set(reflect.ValueOf(everyAction))
		return
	case []journal.Outcome:
		var all []journal.Outcome
		for _, a := range everyAction {
			all = append(all, journal.Outcome{Action: a, Skipped: true, Err: failover.ErrDenied, Text: "t", Hint: "h", Took: time.Second})
		}
		v.Set(reflect.ValueOf(all))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		fillFields(v)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(1)
	}
}

// fillFields fills a struct; what it embeds is printed as its own fields are.
func fillFields(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Type().Field(i); {
		case f.Tag.Get("json") == "-":
		case f.IsExported():
			fill(v.Field(i))
		case f.Anonymous:
			fillFields(v.Field(i))
		}
	}
}

func TestPrintedKeysAreSnakeCase(t *testing.T) {
	ok := regexp.MustCompile(`^[a-z0-9_]+$`)
	for heading, v := range printed() {
		filled := reflect.New(reflect.TypeOf(v)).Elem()
		fill(filled)
		raw, _ := json.Marshal(filled.Interface())
		var tree any
		_ = json.Unmarshal(raw, &tree)
		keys := map[string]bool{}
		paths(tree, "", keys)
		for k := range keys {
			if heading == "run-task" && strings.HasPrefix(k, "tasks[].") { // as ECS gives them
				continue
			}
			if last := strings.TrimSuffix(k[strings.LastIndexByte(k, '.')+1:], "[]"); !ok.MatchString(last) {
				t.Errorf("%s: %s", heading, k)
			}
		}
	}
}
