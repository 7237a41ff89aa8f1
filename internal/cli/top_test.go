package cli

import (
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/config"
)

func TestTheTopReadsTheStore(t *testing.T) {
	path := recorded(t)
	s, _, _ := testIO("")
	file, err := readConfig(t.Context(), s, path, false)
	if err != nil {
		t.Fatal(err)
	}
	v := &topView{s: s, file: file, workloads: config.Workloads(file)}
	top := v.fetch(t.Context(), "", 100)
	if top.Err != "" || len(top.Rows) != 1 {
		t.Fatalf("%+v", top)
	}
	r := top.Rows[0]
	if len(r.Log) != 3 || !strings.Contains(r.Log[1].Text, reasonWord) {
		t.Errorf("log %+v", r.Log)
	}
	// Three decisions, what held until the next of two, and what holds now.
	if len(r.Frames) != 6 || r.Frames[2].OnDemand != 4 || r.Frames[2].Spot != 6 || !r.Frames[5].At.Equal(top.At) {
		t.Errorf("frames %+v", r.Frames)
	}
	if len(r.Detail) == 0 || len(r.Explain) == 0 || r.Healthy { // nobody has committed a state
		t.Errorf("%+v", r)
	}
	file.State.SQLite = path // no database at all
	if broken := v.fetch(t.Context(), "", 100); broken.Err == "" {
		t.Error("a file that is no database was read")
	}
}

// reasonWord is in the words of the reason interruption.
const reasonWord = "interrupt"

func TestTheTopNeedsATerminal(t *testing.T) {
	_, errs := runs(t, ExitUsage, "top", "-c", recorded(t))
	if !strings.Contains(errs, "backstop status") {
		t.Error(errs)
	}
}
