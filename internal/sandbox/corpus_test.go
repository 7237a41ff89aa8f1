package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/ledger"
)

// optional are fields that an event may or may not have for reasons of what happened.
var optional = []string{"detail.containers.exitCode", "detail.containers.reason", "detail.containers.networkInterfaces", "detail.connectivity", "detail.connectivityAt", "detail.pullStartedAt",
	"detail.pullStoppedAt", "detail.startedAt", "detail.executionStoppedAt", "detail.attachments", "detail.stopCode", "detail.capacityProviderArns", "detail.containers.imageDigest", "detail.stoppedReason",
	"detail.availabilityZone", "detail.containers.image"}

// fields are the paths of the fields of an event, without those that are optional.
func fields(t *testing.T, raw []byte) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if slices.ContainsFunc(optional, func(o string) bool { return path == o || strings.HasPrefix(path, o+".") }) {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for key, item := range v {
				walk(strings.TrimPrefix(path+"."+key, "."), item)
			}
		case []any:
			for _, item := range v {
				walk(path, item)
			}
		default:
			out = append(out, path)
		}
	}
	walk("", v)
	slices.Sort(out)
	return slices.Compact(out)
}

// TestTheSandboxSendsWhatTheCorporaHave holds the form of the sandbox's events against those of each corpus: of the same kind they have the same fields.
func TestTheSandboxSendsWhatTheCorporaHave(t *testing.T) {
	kind := func(raw []byte) string {
		e, _ := ledger.ReadEvent(raw)
		return strings.Join([]string{e.Name, e.Task.Last, e.Task.Desired}, "/")
	}
	s := New(Options{World: ecsim.Config{Seed: 3}, Manual: true, NoThrottle: true})
	if err := s.SetupTwins("main", "api", 3); err != nil {
		t.Fatal(err)
	}
	own := map[string][]string{}
	s.World(func(w *ecsim.World) {
		w.Interrupt(ecsim.Ref{Region: DefaultRegion, Cluster: "main", Service: "api-spot"}, 1, "", false)
		w.SetSupply(ecsim.SupplyKey{Region: DefaultRegion, Provider: ecsim.FargateSpot}, 1)
	})
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	s.World(func(w *ecsim.World) {
		w.SetSupply(ecsim.SupplyKey{Region: DefaultRegion, Provider: ecsim.FargateSpot}, -1)
	})
	s.AdvanceTo(s.Now().Add(20 * time.Minute))
	s.mu.Lock()
	for _, m := range s.queues[EventsQueue].all {
		own[kind([]byte(m.body))] = fields(t, []byte(m.body))
	}
	s.mu.Unlock()
	files, err := filepath.Glob("../ledger/testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	compared := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		events, err := ledger.ReadCorpus(data)
		if err != nil {
			t.Fatal(err)
		}
		for i, raw := range events {
			mine := own[kind(raw)]
			if mine == nil {
				continue
			}
			compared++
			if theirs := fields(t, raw); !slices.Equal(mine, theirs) {
				t.Errorf("%s, event %d (%s): it has %v, the sandbox's %v", file, i+1, kind(raw), theirs, mine)
			}
		}
	}
	if compared < 8 {
		t.Errorf("only %d events were compared", compared)
	}
}
