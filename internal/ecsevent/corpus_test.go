package ecsevent_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ledger"
)

// TestEveryCorpusIsRead reads the events that people have shared.
func TestEveryCorpusIsRead(t *testing.T) {
	files, err := filepath.Glob("../ledger/testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		events, err := ledger.ReadCorpus(data)
		if err != nil || len(events) == 0 {
			t.Fatalf("%s: %d events, %v", file, len(events), err)
		}
		for i, raw := range events {
			if s, ok, err := ecsevent.Parse(raw); err != nil || !ok || s.Kind == "" {
				t.Errorf("%s, event %d: %v %v %+v", file, i+1, ok, err, s)
			}
		}
	}
}
