package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// scalerPath begins the paths of knobs that are the scaler's.
const scalerPath = "scaler."

// knobs has the knobs of docs/aws-assumptions.md by the number of their row: paths of fields of ecsim.Config or scaler.Config.
var knobs = map[string][]string{
	"A1": {"StartUp.P50", "StartUp.P95", "StartUp.P99", "ProviderStartUp"},
	"A2": {"StartUp.CommonShare"}, "A3": {"StartUp.SlowShare", "StartUp.SlowExtra"},
	"A4": {"StartShares.Provisioning", "StartShares.Pulled", "StartShares.Activating"},
	"A5": {"WarningTime"}, "A6": {"StopTimeout"}, "A7": {"OnSIGTERM", "ObeyTime"}, "A8": {"DrainTime"}, "A9": {"UnwarnedShare"},
	"A10": {"WarningForm"}, "A11": {"WarnedNotCounted"}, "A12": {"ReplaceDelay"}, "A13": {"SchedulerDelay"}, "A14": {"HealthyAfter"},
	"A15": {"DeploymentSettle", "CompletionLag"}, "A16": {"SteadyRepeat"},
	"A17": {"PlacementRetry.First", "PlacementRetry.Max", "PlacementRetry.Factor"},
	"A18": {"FailingRetry.First", "FailingRetry.Max", "FailingRetry.Factor", "FailuresAllowed"},
	"A19": {"DesiredResets"}, "A20": {"PlacementSilence"}, "A21": {"ShortageNotCounted"}, "A22": {"ScaleIn"},
	"A23": {"HungShare", "HungMean", "HungMax", "HungBacksOff"}, "A24": {"ServiceLaunches", "LaunchSpacing"},
	"A25": {"LaunchRate.Burst", "LaunchRate.PerSecond"}, "A26": {"OnDemandVCPU", "SpotVCPU"},
	"A27": {"Delivery.P50", "Delivery.P95", "Delivery.P99", "Delivery.DuplicateShare", "Delivery.DuplicateBy", "Delivery.ReorderShare",
		"Delivery.ReorderBy", "Delivery.LostShare"},
	"A28": {"ReadLag"}, "A29": {"KeepStopped"}, "A30": {"Throttle"}, "A31": {"MinimumBilled"}, "A32": {"EarlyStop"},
	"A33": {"Strike.Pick", "Strike.SpareProtected"}, "A35": {"ShareMoves"}, "A37": {"ImpairedAfter"}, "A38": {"StrategyUnforced"},
	"A42": {"RunTaskRefuses"}, "A43": {"Protection.Standard", "Protection.Least", "Protection.Most"}, "A45": {"StopLag"},
	"A46": {"FailAfter.Exit", "FailAfter.HealthCheck"},
	"A47": {"WarmUp.P50", "WarmUp.P95", "WarmUp.P99", "UnhealthyShare"}, "A48": {"HungStartShare"}, "A51": {"NLBRegistration"},
	"A53": {"DeregistrationWait"}, "A54": {"SpotDeregistration.AtWarning", "SpotDeregistration.After", "SpotDeregistration.HoldsGrace"},
	"A55": {"PutBackServes"}, "A58": {"RegistersAgain"}, "A59": {"ExitKeepsTargets"},
	"A61": {"SourceNotReplaced"}, "A63": {"DeferredCleanup"}, "A64": {"BlueNotReplaced"}, "A65": {"StageTime", "StageLimit"},
	"A70": {"Rebalance.After", "Rebalance.Retry", "Rebalance.AtOnce"}, "A71": {"Rebalance.FailureShare"}, "A72": {"KeepInactive"}, "A73": {"NewServiceLag"},
	"A74": {"scaler.Period"}, "A75": {"scaler.OutPeriods", "scaler.InTime", "scaler.InMargin"}, "A76": {"scaler.FromDesired"},
	"A77": {"scaler.ZeroWithoutTasks"}, "A78": {"scaler.Cooldown"}, "A79": {"scaler.InDuringDeployments"}, "A80": {"scaler.LateActions"}, "A82": {"scaler.LeaveOutside"},
	"A81": {"scaler.CPUMax"},
}

// models are the two configurations that knobs turn.
type models struct {
	world  *ecsim.Config
	scaler *scaler.Config
}

// knobNumber is what a key looks like that names a row of the ledger.
var knobNumber = regexp.MustCompile(`^A[0-9]+$`)

// modelInput is what POST /_sandbox/model takes beside the numbers of knobs.
type modelInput struct {
	Provider       string          `json:"provider"`
	StartUpSeconds *percentiles    `json:"start_up_seconds"`
	WarmUpSeconds  *percentiles    `json:"warm_up_seconds"`
	HungShare      *float64        `json:"hung_share"`
	Knob           string          `json:"knob"`
	Value          json.RawMessage `json:"value"`

	byNumber map[string]json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler: keys that are numbers of the ledger are kept apart, unknown ones are errors.
func (in *modelInput) UnmarshalJSON(body []byte) error {
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	in.byNumber = map[string]json.RawMessage{}
	fields := map[string]any{"provider": &in.Provider, "start_up_seconds": &in.StartUpSeconds, "warm_up_seconds": &in.WarmUpSeconds,
		"hung_share": &in.HungShare, "knob": &in.Knob, "value": &in.Value}
	for key, raw := range all {
		switch {
		case fields[key] != nil:
			if err := json.Unmarshal(raw, fields[key]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		case knobNumber.MatchString(key):
			in.byNumber[key] = raw
		default:
			return fmt.Errorf("unknown field %q", clip(key))
		}
	}
	if in.Knob != "" {
		in.byNumber[in.Knob] = in.Value
	}
	return nil
}

// steerModel turns knobs of the running world: all of a call, or none if one of them is wrong.
func (s *Sandbox) steerModel(in modelInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := in.turn(models{&ecsim.Config{}, &scaler.Config{}}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.catchUpLocked()
	s.world.Configure(func(c *ecsim.Config) { _ = in.turn(models{c, &scaler.Config{}}) })
	s.scaler.Configure(now, func(c *scaler.Config) { _ = in.turn(models{&ecsim.Config{}, c}) })
	in.start(s.world)
	s.settleLocked()
	turned := sortedKeys(in.byNumber)
	slices.SortFunc(turned, func(a, b string) int { return len(a) - len(b) })
	return map[string]any{"knobs": turned}, nil
}

func (in *modelInput) check() error {
	if in.Provider != "" {
		if err := checkProvider(in.Provider); err != nil {
			return err
		}
	}
	if err := errors.Join(in.StartUpSeconds.check("start_up_seconds"), in.WarmUpSeconds.check("warm_up_seconds")); err != nil {
		return err
	}
	if in.StartUpSeconds != nil && in.StartUpSeconds[0] == 0 {
		return errors.New("start_up_seconds: P50 must be above 0")
	}
	if share := in.HungShare; share != nil && !(*share >= 0 && *share <= 1) {
		return fmt.Errorf("hung_share: must be 0 to 1 (got %v)", *share)
	}
	if in.StartUpSeconds == nil && in.WarmUpSeconds == nil && in.HungShare == nil && len(in.byNumber) == 0 {
		return errors.New("start_up_seconds, warm_up_seconds, hung_share, numbers of knobs: are all missing")
	}
	return nil
}

// start changes how tasks start from now on.
func (in *modelInput) start(w *ecsim.World) {
	for _, provider := range []string{ecsim.Fargate, ecsim.FargateSpot} {
		if in.Provider != "" && in.Provider != provider {
			continue
		}
		if in.StartUpSeconds != nil {
			d := in.StartUpSeconds.durations()
			w.SetStartUp(provider, ecsim.StartUp{P50: d[0], P95: d[1], P99: d[2]})
		}
		if in.WarmUpSeconds != nil {
			d := in.WarmUpSeconds.durations()
			w.SetWarmUp(provider, ecsim.WarmUp{P50: d[0], P95: d[1], P99: d[2]})
		}
		if in.HungShare != nil {
			w.SetHungStarts(provider, *in.HungShare)
		}
	}
}

// turn turns every knob of a call.
func (in *modelInput) turn(m models) error {
	for number, raw := range in.byNumber {
		paths, known := knobs[number]
		if !known {
			return fmt.Errorf("%s: has no knob (docs/aws-assumptions.md has the numbers)", clip(number))
		}
		if err := turnKnob(m, paths, raw); err != nil {
			return fmt.Errorf("%s: %w", number, err)
		}
	}
	return nil
}

// Model is a set of knobs by the numbers of their rows in the ledger, with the values that POST /_sandbox/model takes.
type Model map[string]json.RawMessage

// Apply turns the knobs of a set in the configurations of a sandbox that is yet to be made. Errors: a number without a knob, a value that its
// knob does not take.
func (m Model) Apply(world *ecsim.Config, scaling *scaler.Config) error {
	in := modelInput{byNumber: m}
	return in.turn(models{world, scaling})
}

// turnKnob sets the fields of one knob: a single one by its value, several by an object with their names.
func turnKnob(m models, paths []string, raw json.RawMessage) error {
	named := map[string]json.RawMessage{}
	isObject := strings.HasPrefix(strings.TrimSpace(string(raw)), "{")
	switch {
	case len(raw) == 0:
		return fmt.Errorf("the value is missing")
	case isObject && json.Unmarshal(raw, &named) != nil:
		return fmt.Errorf("the value is not JSON")
	case !isObject && len(paths) > 1 && string(raw) != "null":
		return fmt.Errorf("must be an object with some of %s", strings.Join(knobNames(m, paths), ", "))
	}
	for _, path := range paths {
		field := m.field(path)
		name := knobName(field, path)
		value, given := named[name]
		if !isObject {
			value, given = raw, true
		}
		delete(named, name)
		if !given {
			continue
		}
		if err := setValue(field, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name := range named {
		return fmt.Errorf("unknown field %q: must be some of %s", clip(name), strings.Join(knobNames(m, paths), ", "))
	}
	return nil
}

func knobNames(m models, paths []string) []string {
	var names []string
	for _, path := range paths {
		names = append(names, knobName(m.field(path), path))
	}
	return names
}

// field finds the field that a path names.
func (m models) field(path string) reflect.Value {
	v := reflect.ValueOf(m.world).Elem()
	if rest, own := strings.CutPrefix(path, scalerPath); own {
		v, path = reflect.ValueOf(m.scaler).Elem(), rest
	}
	for _, name := range strings.Split(path, ".") {
		v = v.FieldByName(name)
	}
	return v
}
