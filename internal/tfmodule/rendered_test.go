package tfmodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	rendered = flag.String("rendered", "", "directory with what Terraform rendered of terraform/tests/fixture")
	update   = flag.Bool("update", false, "write terraform/testdata from -rendered")
)

const (
	moduleDir = "../../terraform"
	testdata  = moduleDir + "/testdata"
)

// TestTestdataIsWhatTerraformRenders is run by terraform/test.sh, which has a Terraform; elsewhere there is nothing
// to compare with.
func TestTestdataIsWhatTerraformRenders(t *testing.T) {
	if *rendered == "" {
		t.Skip("no -rendered directory: terraform/test.sh gives one")
	}
	files, err := os.ReadDir(*rendered)
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing rendered in %s: %v", *rendered, err)
	}
	for _, f := range files {
		data := readFile(t, filepath.Join(*rendered, f.Name()))
		if strings.HasSuffix(f.Name(), ".json") {
			var out bytes.Buffer
			if err := json.Indent(&out, bytes.TrimSpace(data), "", "  "); err != nil {
				t.Fatalf("%s: %v", f.Name(), err)
			}
			data = append(out.Bytes(), '\n')
		}
		path := filepath.Join(testdata, f.Name())
		if *update {
			if err := os.MkdirAll(testdata, 0o755); err != nil {
				t.Fatal(err)
			}
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
