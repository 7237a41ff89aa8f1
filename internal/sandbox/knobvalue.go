package sandbox

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// secondsMax is the longest duration that a knob takes: a year.
const secondsMax = 366 * 24 * 3600.0

// knobWords has the words for the values of enumerated knobs, in the order of the values.
var knobWords = map[reflect.Type][]string{
	reflect.TypeFor[ecsim.Behaviour]():   {"default", "use_warning", "obey"},
	reflect.TypeFor[ecsim.WarningForm](): {"spot_interruption", "termination_notice", "no_stop_code"},
	reflect.TypeFor[ecsim.ScaleInPick](): {"serving_first", "random", "starting_first", "running_first"},
	reflect.TypeFor[ecsim.StrikePick]():  {"random", "oldest", "youngest"},
}

var durationType = reflect.TypeFor[time.Duration]()

// knobName is the name of a knob's field in JSON: the last part of its path in small letters, with the unit of a duration.
func knobName(field reflect.Value, path string) string {
	name := snake(path[strings.LastIndexByte(path, '.')+1:])
	if field.Type() == durationType {
		name += "_seconds"
	}
	return name
}

// snake turns OnDemandVCPU into on_demand_vcpu.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		newWord := unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if newWord {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// orNone is a number of seconds where the model takes a zero for its default and a negative value for none.
func orNone(seconds float64) time.Duration {
	if seconds == 0 {
		return -1
	}
	return time.Duration(seconds * float64(time.Second))
}

// setValue sets one field of a configuration. null is the model's default; a duration or a share of 0 is none.
func setValue(field reflect.Value, raw json.RawMessage) error {
	if string(raw) == "null" {
		field.SetZero()
		return nil
	}
	if words := knobWords[field.Type()]; words != nil {
		return setWord(field, raw, words)
	}
	switch field.Kind() {
	case reflect.Bool:
		return json.Unmarshal(raw, field.Addr().Interface())
	case reflect.Int64, reflect.Float64:
		var n float64
		if err := json.Unmarshal(raw, &n); err != nil {
			return err
		}
		switch {
		case field.Type() == durationType:
			if !(n >= 0 && n <= secondsMax) {
				return fmt.Errorf("must be 0 to %g (got %v)", secondsMax, n)
			}
			field.SetInt(int64(orNone(n)))
		case !(n >= 0 && n <= 1e9):
			return fmt.Errorf("must be 0 to 1e9 (got %v)", n)
		case n == 0:
			field.SetFloat(-1)
		default:
			field.SetFloat(n)
		}
		return nil
	case reflect.Int:
		var n int
		if err := json.Unmarshal(raw, &n); err != nil {
			return err
		}
		if n < -1 || n > 1e9 {
			return fmt.Errorf("must be -1 to 1e9 (got %d)", n)
		}
		field.SetInt(int64(n))
		return nil
	case reflect.Struct:
		return setStruct(field, raw)
	case reflect.Map:
		return setMap(field, raw)
	}
	return fmt.Errorf("cannot be set")
}

func setWord(field reflect.Value, raw json.RawMessage, words []string) error {
	var word string
	if err := json.Unmarshal(raw, &word); err != nil {
		return err
	}
	for i, w := range words {
		if w == word {
			field.SetUint(uint64(i)) //nolint:gosec // an index
			return nil
		}
	}
	return fmt.Errorf("must be one of %s (got %q)", strings.Join(words, ", "), clip(word))
}

func setStruct(field reflect.Value, raw json.RawMessage) error {
	given := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &given); err != nil {
		return err
	}
	for i := range field.NumField() {
		name := knobName(field.Field(i), field.Type().Field(i).Name)
		value, ok := given[name]
		delete(given, name)
		if !ok {
			continue
		}
		if err := setValue(field.Field(i), value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name := range given {
		return fmt.Errorf("unknown field %q", clip(name))
	}
	return nil
}

// setMap sets a map by provider.
func setMap(field reflect.Value, raw json.RawMessage) error {
	given := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &given); err != nil {
		return err
	}
	out := reflect.MakeMap(field.Type())
	for provider, value := range given {
		if err := checkProvider(provider); err != nil {
			return err
		}
		item := reflect.New(field.Type().Elem()).Elem()
		if err := setValue(item, value); err != nil {
			return fmt.Errorf("%s: %w", provider, err)
		}
		out.SetMapIndex(reflect.ValueOf(provider), item)
	}
	field.Set(out)
	return nil
}
