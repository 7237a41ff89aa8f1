package journal

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

var update = flag.Bool("update", false, "write the golden files")

var at = time.Date(2026, 11, 24, 9, 30, 0, 123456000, time.UTC)

// actions holds one action of every type.
var actions = Actions{
	failover.SetDesiredCount{Pool: "standard", Count: 12, From: 0},
	failover.ParkScaling{Pool: "spot", Max: 400},
	failover.RestoreScaling{Pool: "spot", Scaling: failover.Scaling{Known: true, Present: true, Min: 2, Max: 400, SuspendedIn: true}},
	failover.SyncTaskDefinition{Pool: "standard", TaskDefinition: "arn:aws:ecs:us-east-1:123456789012:task-definition/api:7"},
	failover.StopTask{Pool: "spot", Task: "0123456789abcdef0123456789abcdef"},
	failover.HoldDemand{Pool: "spot", Demand: 40},
	failover.DrainTask{Pool: "spot", Task: "0123456789abcdef0123456789abcdef"},
}

// golden holds one entry of every kind, by the name of its file.
func golden() map[string]Entry {
	return map[string]Entry{
		"decision": {
			Version: Version, ID: NewID(at, 1), Workload: "api", At: at, Kind: KindDecision, Generation: 41, PolicyDigest: "0123456789ab",
			Observation: Compact(failover.Observation{At: at, Pools: []failover.PoolObservation{
				{Pool: "spot", Desired: 20, RunningCount: 8, TaskDefinition: "api:7"},
				{Pool: "standard", Err: failover.ErrThrottled, ErrText: "describe services: ThrottlingException: Rate exceeded"},
			}, Signals: []failover.Signal{{ID: "e-1", Kind: failover.SignalInterruption, At: at, Pool: "spot", Task: "t-1"}}}),
			Decision: &failover.Decision{At: at, Workload: "api", Reason: failover.ReasonInterruption, Mode: failover.ModeMixed,
				Demand: 20, InService: failover.Exactly(8), Missing: failover.Exactly(12), Actions: actions[:1], Withheld: actions[1:2],
				Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Desired: 20, Running: 8, Ask: 20}}},
			Actions: actions[:1], Withheld: actions[1:2],
		},
		"outcome": {
			Version: Version, ID: NewID(at, 2), Workload: "api", At: at, Kind: KindOutcome, Generation: 42, Of: NewID(at, 1),
			Outcomes: []Outcome{
				{Action: actions[0], Took: 15 * time.Millisecond},
				{Action: actions[3], Err: failover.ErrDenied, Text: "update service: AccessDeniedException: no", Hint: "allow ecs:UpdateService", Took: 3 * time.Second},
				{Action: actions[4], Skipped: true},
			},
		},
		"intent": {
			Version: Version, ID: NewID(at, 3), Workload: "api", At: at, Kind: KindIntent, Generation: 43,
			Intent: &failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeOnDemand, By: "op", Note: "sale", At: at, Until: at.Add(time.Hour)},
		},
		"notice": {
			Version: Version, ID: NewID(at, 4), Workload: "api", At: at, Kind: KindNotice,
			Notice: &failover.Notice{Reason: failover.ReasonQuota, Severity: failover.Warning, Key: "api/quota", Text: "a quota is reached", Do: "ask for more"},
		},
		"actions": {Version: Version, ID: NewID(at, 5), Workload: "api", At: at, Kind: KindDecision, Actions: actions},
	}
}

func TestStoredFormIsHeldByGoldenFiles(t *testing.T) {
	for name, want := range golden() {
		file := filepath.Join("testdata", name+".json")
		b, err := Marshal(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, b, "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
		if *update {
			if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		stored, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(stored, pretty.Bytes()) {
			t.Errorf("%s is written as\n%s\nwhich is not what %s holds; entries that were stored must stay readable, so fields are only added (then run with -update)", name, pretty.Bytes(), file)
		}
		got, err := Unmarshal(stored)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s came back as\n%+v, want\n%+v", name, got, want)
		}
	}
}

func TestEveryActionHasItsOwnTagAndPool(t *testing.T) {
	tags := map[string]bool{}
	for _, a := range actions {
		if tags[Type(a)] || Type(a) == "" || Pool(a) == "" {
			t.Errorf("%T: tag %q, pool %q", a, Type(a), Pool(a))
		}
		tags[Type(a)] = true
	}
	if Type(nil) != "" || Pool(nil) != "" {
		t.Error("no action has a tag or a pool")
	}
}

func TestEntriesThatCannotBeRead(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"truncated", `{"version":1`, "read journal entry"},
		{"of a later version", `{"version":2,"id":"x"}`, "a newer backstop wrote it"},
		{"of no version", `{"id":"x"}`, "version 0 is not between 1 and 1"},
		{"an unknown action", `{"version":1,"actions":[{"type":"reboot"}]}`, `type "reboot" is not known`},
		{"an action that is none", `{"version":1,"actions":[7]}`, "read action"},
		{"actions that are none", `{"version":1,"actions":{}}`, "read actions"},
		{"an outcome that is none", `{"version":1,"outcomes":[{"action":{"type":"stop_task","pool":7}}]}`, "read action"},
	} {
		if _, err := Unmarshal([]byte(test.body)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("an entry %s gave %v, want %q", test.name, err, test.want)
		}
	}
	if e, err := Unmarshal([]byte(`{"version":1,"id":"x","a_field_of_tomorrow":{}}`)); err != nil || e.ID != "x" {
		t.Errorf("an entry with a field of tomorrow gave %+v, %v", e, err)
	}
}

func TestIDsSortByTime(t *testing.T) {
	var ids []string
	for i, us := range []int64{0, 1, 999, 1_000_000, at.UnixMicro(), at.UnixMicro() + 1, at.AddDate(200, 0, 0).UnixMicro()} {
		ids = append(ids, NewID(time.UnixMicro(us), uint32(1000-i)))
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("IDs do not sort by time: %v", ids)
	}
	if a, b := NewID(at, 1), NewID(at, 2); a >= b {
		t.Errorf("IDs of one microsecond do not sort by their entropy: %s, %s", a, b)
	}
}

func TestPolicyDigestChangesWithThePolicy(t *testing.T) {
	a, _ := failover.Preset(failover.PresetFill)
	b := a
	b.StartLimit += time.Second
	again, _ := failover.Preset(failover.PresetFill)
	if PolicyDigest(a) == PolicyDigest(b) || PolicyDigest(a) != PolicyDigest(again) || len(PolicyDigest(a)) != 12 {
		t.Errorf("digests are %s and %s", PolicyDigest(a), PolicyDigest(b))
	}
}

func TestCompactLeavesOutWhatIsTooMuchAndSaysSo(t *testing.T) {
	o := failover.Observation{At: at, Pools: []failover.PoolObservation{
		{Pool: "spot", Listed: true, Tasks: make([]failover.Task, 51)}, {Pool: "standard", Listed: true, Tasks: make([]failover.Task, 50)},
		{Pool: "far", Err: failover.ErrUnknown, ErrText: strings.Repeat("x", 2000)}},
		Signals: make([]failover.Signal, 130)}
	c := Compact(o)
	if len(c.Pools[0].Tasks) != 0 || len(c.Pools[1].Tasks) != 50 || c.TasksLeftOut != 51 || len(c.Signals) != 100 || c.SignalsLeftOut != 30 || c.Complete() {
		t.Errorf("compacted to %d and %d tasks (%d left out), %d signals (%d left out), complete %t", len(c.Pools[0].Tasks),
			len(c.Pools[1].Tasks), c.TasksLeftOut, len(c.Signals), c.SignalsLeftOut, c.Complete())
	}
	if len(c.Pools[2].ErrText) > 600 {
		t.Errorf("an error text of %d bytes is kept", len(c.Pools[2].ErrText))
	}
	if len(o.Pools[0].Tasks) != 51 || len(o.Pools[2].ErrText) != 2000 {
		t.Error("the observation itself was changed")
	}
	small := failover.Observation{At: at, Pools: []failover.PoolObservation{{Pool: "spot", Desired: 1}}}
	if c := Compact(small); !c.Complete() || !reflect.DeepEqual(c.Full(), small) {
		t.Errorf("a small observation came back as %+v", c.Full())
	}
}

func TestQueryBoundsAndMatches(t *testing.T) {
	if got := (Query{}).Max(); got != LimitDefault {
		t.Errorf("no limit means %d", got)
	}
	if got := (Query{Limit: math.MaxInt}).Max(); got != LimitMax {
		t.Errorf("a huge limit means %d", got)
	}
	e := Entry{Workload: "api", At: at, Kind: KindNotice, ID: "b"}
	for _, test := range []struct {
		q    Query
		want bool
	}{
		{Query{}, true}, {Query{Workload: "api"}, true}, {Query{Workload: "worker"}, false},
		{Query{From: at}, true}, {Query{From: at.Add(1)}, false}, {Query{To: at}, false}, {Query{To: at.Add(1)}, true},
		{Query{Kinds: []Kind{KindNotice}}, true}, {Query{Kinds: []Kind{KindIntent, KindOutcome}}, false},
	} {
		if got := test.q.Matches(e); got != test.want {
			t.Errorf("%+v matches: %t, want %t", test.q, got, test.want)
		}
	}
	es := []Entry{{At: at, ID: "a"}, {At: at.Add(1), ID: "0"}, {At: at, ID: "b"}}
	slices.SortFunc(es, Newer)
	if es[0].ID != "0" || es[1].ID != "b" || es[2].ID != "a" {
		t.Errorf("the newest first is %+v", es)
	}
}

func TestRetention(t *testing.T) {
	r := Retention{Age: time.Hour}
	if got := r.Cutoff(at); !got.Equal(at.Add(-time.Hour)) {
		t.Errorf("cut-off is %s", got)
	}
	if got := r.ExpiresAt(Entry{At: at}); !got.Equal(at.Add(time.Hour)) {
		t.Errorf("an entry expires at %s", got)
	}
	if r := (Retention{}); !r.Cutoff(at).IsZero() || !r.ExpiresAt(Entry{At: at}).IsZero() {
		t.Error("without an age entries expire")
	}
	if DefaultRetention().Age < 365*24*time.Hour {
		t.Error("a year is not kept")
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, e := range golden() {
		b, err := Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"version":1,"outcomes":[{"action":null,"took_seconds":1e300}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Unmarshal(b)
		if err != nil {
			return
		}
		again, err := Marshal(e)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := Unmarshal(again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
