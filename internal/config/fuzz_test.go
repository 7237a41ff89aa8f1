package config

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/tunable"
)

// FuzzParse holds for any bytes: no panic; a file or problems with places, never both; what is accepted can be
// decided on.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		for _, file := range files(f, pattern) {
			f.Add(read(f, file))
		}
	}
	f.Add([]byte("a: &a\n  <<: *a\n"))
	f.Add(Example())
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data, "f.yaml")
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v and error %v", file, err)
		}
		if err != nil {
			all, ok := errors.AsType[*Error](err)
			if !ok || len(all.Problems) == 0 || len(all.Problems) > problemsMax+1 || !strings.HasPrefix(err.Error(), "f.yaml") {
				t.Fatalf("error %v", err)
			}
			if utf8.Valid(data) && !utf8.ValidString(err.Error()) {
				t.Fatalf("the error is not text: %q", err)
			}
			return
		}
		for _, w := range file.Workloads {
			if len(w.Pools) != len(w.Policy.Pools) || w.Name == "" {
				t.Fatalf("workload %+v", w)
			}
			for _, p := range tunable.Validate(w.Policy) {
				if !p.Warning {
					t.Fatalf("accepted, and not valid: %v", p)
				}
			}
		}
	})
}
