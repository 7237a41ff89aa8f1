package ecsevent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// FuzzParse holds for any bytes: no panic, an error or a whole signal or nothing, and never a success out of
// an event that tells of a stop.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)*2/3])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, ok, err := Parse(body)
		if err == nil && !json.Valid(body) {
			t.Fatal("malformed JSON is no error")
		}
		if !ok && s != (failover.Signal{}) || err != nil && ok {
			t.Fatalf("ok=%v, %v with %+v", ok, err, s)
		}
		if !ok {
			return
		}
		if s.ID == "" || s.Kind == "" || s.Service == "" || s.Version < 0 || len(s.StopReason) > reasonMax || s.Pool != "" {
			t.Fatalf("incomplete signal %+v", s)
		}
		if s.Kind == failover.SignalRunning && (s.StopCode != "" || s.StopReason != "" || s.Task == "") {
			t.Fatalf("a stop that counts as a success: %+v", s)
		}
		if _, err := json.Marshal(s); err != nil {
			t.Fatalf("signal cannot be stored: %v", err)
		}
	})
}
