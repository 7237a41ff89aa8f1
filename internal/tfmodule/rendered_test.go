package tfmodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write terraform/testdata from -planned")

const (
	moduleDir = "../../terraform"
	testdata  = moduleDir + "/testdata"
)

// alarmKeys are what terraform/testdata keeps of an alarm: what decides when it fires.
var alarmKeys = []string{"alarm_name", "namespace", "metric_name", "dimensions", "statistic", "period", "evaluation_periods", "datapoints_to_alarm", "threshold",
	"comparison_operator", "treat_missing_data", "metric_query"}

// rendered returns the files of terraform/testdata as Terraform renders them of terraform/tests/fixture.
func rendered(t *testing.T, path string) map[string][]byte {
	t.Helper()
	var state struct {
		Values struct {
			Outputs map[string]struct{ Value any }
		}
	}
	if err := json.Unmarshal(readFile(t, path), &state); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	files := make(map[string][]byte)
	for name, o := range state.Values.Outputs {
		if text, ok := o.Value.(string); ok {
			files[name+".yaml"] = []byte(text)
			continue
		}
		files[name+".json"] = indented(t, o.Value)
	}
	var alarms []map[string]any
	for _, r := range readPlanned(t, path) {
		if r.Type != "aws_cloudwatch_metric_alarm" || !strings.HasPrefix(r.Address, "module.acting.") {
			continue
		}
		kept := make(map[string]any)
		for _, k := range alarmKeys {
			if v := r.Values[k]; v != nil && !reflect.DeepEqual(v, []any{}) {
				kept[k] = v
			}
		}
		alarms = append(alarms, kept)
	}
	slices.SortFunc(alarms, func(a, b map[string]any) int {
		return strings.Compare(a["alarm_name"].(string), b["alarm_name"].(string))
	})
	files["alarms.json"] = indented(t, alarms)
	return files
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTestdataIsWhatTerraformRenders is run by terraform/test.sh, which has a Terraform; elsewhere there is nothing
// to compare with.
func TestTestdataIsWhatTerraformRenders(t *testing.T) {
	if *planned == "" {
		t.Skip("no -planned directory: terraform/test.sh gives one")
	}
	for name, data := range rendered(t, filepath.Join(*planned, "fixture.json")) {
		path := filepath.Join(testdata, name)
		if *update {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, data) {
			t.Errorf("%s is not what the module renders (%v); write it with: terraform/test.sh --update", path, err)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// moduleFiles returns the text of the module's .tf files by name.
func moduleFiles(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(moduleDir + "/*.tf")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no module in %s: %v", moduleDir, err)
	}
	files := make(map[string]string, len(paths))
	for _, p := range paths {
		files[filepath.Base(p)] = string(readFile(t, p))
	}
	return files
}
