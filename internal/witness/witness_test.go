package witness_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
	"github.com/backstop-ecs/backstop/internal/witness"
)

// warning is an interruption warning as AWS sent it until 2023.
const warning = `{"version":"0","id":"%s","detail-type":"ECS Task State Change","source":"aws.ecs","account":"210987654321","time":"2026-11-29T12:00:00Z","region":"eu-west-1",
"resources":["arn:aws:ecs:eu-west-1:210987654321:task/prod/%[2]s"],"detail":{"clusterArn":"arn:aws:ecs:eu-west-1:210987654321:cluster/prod","group":"service:%[3]s",
"taskArn":"arn:aws:ecs:eu-west-1:210987654321:task/prod/%[2]s","lastStatus":"RUNNING","desiredStatus":"STOPPED","stopCode":"TerminationNotice","stoppedReason":"Your Spot Task was interrupted.",
"capacityProviderName":"FARGATE_SPOT","version":5,"startedAt":"2026-11-29T11:00:00Z","createdAt":"2026-11-29T10:59:00Z"}}`

var guarded = control.ServiceRef{Region: "eu-west-1", Cluster: "prod", Service: "shop-spot"}

func TestAContradictionIsKeptToldForADayAndKnownToOtherGuards(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	workloads := []control.Workload{{Name: "shop", Refs: []control.ServiceRef{guarded}}}
	first, second := witness.New(workloads, clock), witness.New(workloads, clock)
	parse := first.Listening(ecsevent.Parse)
	if _, ok, err := parse(fmt.Appendf(nil, warning, "a", "0123456789abcdef0123456789abcdef", "strange")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got := first.Of(guarded); len(got) > 0 {
		t.Errorf("of a service that is not guarded: %v", got)
	}
	if _, ok, err := parse(fmt.Appendf(nil, warning, "b", "fedcba9876543210fedcba9876543210", "shop-spot")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	said := first.Of(guarded)
	if len(said) != 1 || !strings.HasPrefix(said[0], "A10: ") {
		t.Fatalf("%v", said)
	}
	for _, w := range []*witness.Witness{first, second} {
		if err := w.Keep(t.Context(), store); err != nil {
			t.Fatal(err)
		}
	}
	if got := second.Of(guarded); len(got) != 1 || got[0] != said[0] {
		t.Errorf("another guard knows %v", got)
	}
	now = now.Add(25 * time.Hour)
	again := witness.New(workloads, clock) // after a restart
	if err := again.Keep(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if got := again.Of(guarded); len(got) > 0 {
		t.Errorf("a day later it says %v", got)
	}
	seen, err := witness.Read(t.Context(), store)
	if err != nil || len(seen.Findings) != 1 || len(seen.Findings[0].Evidence) != 1 {
		t.Fatalf("%v %+v", err, seen)
	}
	if text := string(seen.Findings[0].Evidence[0]); !strings.Contains(text, "TerminationNotice") || strings.Contains(text, "210987654321") || strings.Contains(text, "shop") {
		t.Errorf("evidence %s", text)
	}
}

// TestAPageOfANewerGuardStays, as it is there while both run.
func TestAPageOfANewerGuardStays(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	newer := control.Page{Version: 1, Body: []byte(`{"version":2,"seen":"in another form"}`)}
	if err := store.Keep(t.Context(), "#aws", newer); err != nil {
		t.Fatal(err)
	}
	w := witness.New([]control.Workload{{Name: "shop", Refs: []control.ServiceRef{guarded}}}, time.Now)
	if _, ok, err := w.Listening(ecsevent.Parse)(fmt.Appendf(nil, warning, "a", "0123456789abcdef0123456789abcdef", "shop-spot")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := w.Keep(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if pages, err := store.Pages(t.Context(), []string{"#aws"}); err != nil || string(pages["#aws"].Body) != string(newer.Body) {
		t.Errorf("%v: %s", err, pages["#aws"].Body)
	}
	if len(w.Of(guarded)) != 1 {
		t.Error("it does not say what it has seen itself")
	}
}

// TestEventsMayComeWhileAPageIsKept is for the race detector.
func TestEventsMayComeWhileAPageIsKept(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	w := witness.New([]control.Workload{{Name: "shop", Refs: []control.ServiceRef{guarded}}}, func() time.Time { return now })
	parse := w.Listening(ecsevent.Parse)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 200 {
			_, _, _ = parse(fmt.Appendf(nil, warning, fmt.Sprint(n), fmt.Sprintf("%032x", n), "shop-spot"))
		}
	}()
	for more := true; more; {
		select {
		case <-done:
			more = false
		default:
		}
		if err := w.Keep(t.Context(), store); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	if seen, err := witness.Read(t.Context(), store); err != nil || len(seen.Findings) != 1 {
		t.Errorf("%v %+v", err, seen)
	}
}
