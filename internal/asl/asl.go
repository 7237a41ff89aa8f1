// Package asl writes a run of internal/runtask as a state machine of AWS Step Functions, in the Amazon States Language with JSONata.
//
// The machine is always the same. What a run is asked to do stands in one place of it, the variable settings, so that the Terraform module can put it there as well.
package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/runtask"
)

// placeholder is where the settings go.
const placeholder = `"settings": {}`

// settings are what a run is asked to do, in seconds.
type settings struct {
	// Run are the arguments of RunTask but for those that the machine makes, Pools those of each pool.
	Run   map[string]any
	Pools []map[string]any
	// StartWithin is 0 where a task may take as long as it takes to start.
	StartWithin, Retries, GiveUp, Poll int
}

// pollMost is how often a task that does not run yet is looked at.
const pollMost = 15

// Machine returns the state machine that runs the one task of a request.
func Machine(req *runtask.Request) ([]byte, error) {
	in := req.Input
	in.Count, in.ClientToken, in.LaunchType, in.CapacityProviderStrategy = nil, nil, "", nil // the machine's own
	s := settings{Run: fields(reflect.ValueOf(in)), StartWithin: int(req.StartWithin.Seconds()), Retries: req.Retries, GiveUp: int(req.GiveUp.Seconds()), Poll: pollMost}
	if s.StartWithin > 0 {
		s.Poll = min(s.StartWithin, pollMost)
	}
	for _, p := range req.Pools {
		s.Pools = append(s.Pools, fields(reflect.ValueOf(ecs.RunTaskInput{
			CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String(p.Capacity), Weight: 1}}, NetworkConfiguration: p.Network(&in)})))
	}
	text, err := indented(s, "        ")
	if err != nil {
		return nil, fmt.Errorf("write the settings: %w", err)
	}
	machine, err := indented(machine(), "")
	if err != nil {
		return nil, fmt.Errorf("write the state machine: %w", err)
	}
	return bytes.Replace(machine, []byte(placeholder), append([]byte(`"settings": `), bytes.TrimSpace(text)...), 1), nil
}

// Template returns the state machine with empty settings.
func Template() ([]byte, error) { return indented(machine(), "") }

func indented(v any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// fields are the parameters of a call that are set, under the names that Step Functions has for them: those of the SDK's fields.
func fields(v reflect.Value) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
			out[f.Name] = value(v.Field(i))
		}
	}
	return out
}

func value(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return value(v.Elem())
	case reflect.Struct:
		return fields(v)
	case reflect.Slice:
		out := make([]any, 0, v.Len())
		for i := range v.Len() {
			out = append(out, value(v.Index(i)))
		}
		return out
	}
	return v.Interface()
}
