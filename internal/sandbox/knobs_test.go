package sandbox

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// TestEveryKnobOfTheModelsHasItsNumber keeps the route, the ledger and the two configurations together.
func TestEveryKnobOfTheModelsHasItsNumber(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws-assumptions.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // number to the cell of the knob
	for _, m := range regexp.MustCompile(`(?m)^\| (A\d+) \|.*\| ([^|]*) \|$`).FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2]
	}
	turned := map[string]bool{}
	for number, paths := range knobs {
		if rows[number] == "" {
			t.Errorf("%s is not in the ledger", number)
		}
		for _, path := range paths {
			top, rest, _ := strings.Cut(path, ".")
			if top+"." == scalerPath {
				top = path
				_ = rest
			}
			turned[top] = true
		}
	}
	for i := range reflect.TypeFor[ecsim.Config]().NumField() {
		name := reflect.TypeFor[ecsim.Config]().Field(i).Name
		switch name {
		case "Seed", "Start", "Account", "LeaveOut":
			continue // not assumptions, or nothing to be turned in a running world
		}
		if !turned[name] {
			t.Errorf("the knob %s has no number", name)
		}
	}
	for i := range reflect.TypeFor[scaler.Config]().NumField() {
		if name := reflect.TypeFor[scaler.Config]().Field(i).Name; !turned[scalerPath+name] {
			t.Errorf("the knob scaler.%s has no number", name)
		}
	}
	for _, number := range []string{"A4", "A31", "A32", "A33", "A35", "A38", "A42", "A43", "A46"} {
		if knobs[number] == nil {
			t.Errorf("%s has no knob", number)
		}
	}
}

func TestEveryKnobTakesNullAndRefusesNonsense(t *testing.T) {
	for number, paths := range knobs {
		m := models{&ecsim.Config{}, &scaler.Config{}}
		if err := turnKnob(m, paths, json.RawMessage("null")); err != nil {
			t.Errorf("%s null: %v", number, err)
		}
		for _, bad := range []string{`"nonsense"`, `{"nonsense": 1}`, `[1]`, ``} {
			if err := turnKnob(m, paths, json.RawMessage(bad)); err == nil {
				t.Errorf("%s takes %s", number, bad)
			}
		}
	}
}

func TestKnobsAreTurnedAsTheyAreTold(t *testing.T) {
	var in modelInput
	body := `{"A1": {"provider_start_up": {"FARGATE": {"p50_seconds": 100, "p95_seconds": 200}}}, "A47": {"p50_seconds": 60}, "A9": 0.25, "A17": {"first_seconds": 30, "factor": 2},
		"A20": 0, "A22": "random", "A33": {"pick": "oldest", "spare_protected": true}, "A38": true, "A43": {"most_seconds": 7200}, "knob": "A74", "value": 20}`
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	world, scaling := ecsim.Config{}, scaler.Config{}
	if err := in.turn(models{&world, &scaling}); err != nil {
		t.Fatal(err)
	}
	want := ecsim.Config{
		ProviderStartUp: map[string]ecsim.StartUp{"FARGATE": {P50: 100 * time.Second, P95: 200 * time.Second}},
		WarmUp:          ecsim.WarmUp{P50: time.Minute},
		UnwarnedShare:   0.25, PlacementRetry: ecsim.Backoff{First: 30 * time.Second, Factor: 2}, PlacementSilence: -1, ScaleIn: ecsim.PickRandom,
		Strike: ecsim.Strike{Pick: ecsim.StrikeOldest, SpareProtected: true}, StrategyUnforced: true, Protection: ecsim.ProtectionRange{Most: 2 * time.Hour},
	}
	if !reflect.DeepEqual(world, want) {
		t.Errorf("world\n%+v\nwant\n%+v", world, want)
	}
	if scaling.Period != 20*time.Second {
		t.Errorf("period %s", scaling.Period)
	}
}
