package twin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/schemas"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// Live is a service as AWS shows it. Service comes with its tags; Revision is the service revision that it runs.
type Live struct {
	Service  *types.Service
	Revision *types.ServiceRevision
}

// onDemand is the capacity provider of every twin.
const onDemand = "FARGATE"

// Of returns the call that makes the on-demand twin of a service. It is to be used only where Refusals has none.
func Of(l Live, name string) *ecs.CreateServiceInput {
	in := same(l)
	in.ServiceName = &name
	in.DesiredCount = aws.Int32(0)
	in.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
	in.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String(onDemand), Weight: 1}}
	return in
}

// same returns what twins have in common: the copied fields, taken by the tables.
func same(l Live) *ecs.CreateServiceInput {
	in := &ecs.CreateServiceInput{Cluster: l.Service.ClusterArn}
	to := reflect.ValueOf(in).Elem()
	take := func(fields []Field, from reflect.Value) {
		for _, f := range fields {
			if field := to.FieldByName(f.Name); f.Treatment == Copied && field.IsValid() {
				field.Set(from.FieldByName(f.Name))
			}
		}
	}
	take(serviceFields, reflect.ValueOf(l.Service).Elem())
	if l.Revision != nil {
		take(revisionFields, reflect.ValueOf(l.Revision).Elem())
	}
	in.Tags = ownTags(in.Tags)
	in.LoadBalancers = everyGroup(in.LoadBalancers)
	in.DeploymentConfiguration = rolling(in.DeploymentConfiguration)
	return in
}

// everyGroup lists each target group that the deployments of a service may give the traffic to, for a service whose own deployments shift none.
func everyGroup(balancers []types.LoadBalancer) []types.LoadBalancer {
	var out []types.LoadBalancer
	for _, b := range balancers {
		other := b.AdvancedConfiguration
		b.AdvancedConfiguration = nil
		out = append(out, b)
		if other != nil && aws.ToString(other.AlternateTargetGroupArn) != "" {
			b.TargetGroupArn = other.AlternateTargetGroupArn
			out = append(out, b)
		}
	}
	return out
}

// Shifts reports whether the deployments of a service shift traffic between target groups: blue/green, linear, canary.
func Shifts(s *types.Service) bool {
	c := s.DeploymentConfiguration
	return c != nil && c.Strategy != "" && c.Strategy != types.DeploymentStrategyRolling
}

// rolling is a deployment configuration without what belongs to another strategy than ROLLING, and without hooks.
func rolling(c *types.DeploymentConfiguration) *types.DeploymentConfiguration {
	if c == nil {
		return nil
	}
	out := *c
	if Shifts(&types.Service{DeploymentConfiguration: c}) { // both revisions run for that long, which only a shift needs
		out.BakeTimeInMinutes = nil
	}
	out.Strategy, out.CanaryConfiguration, out.LinearConfiguration, out.LifecycleHooks = types.DeploymentStrategyRolling, nil, nil, nil
	return &out
}

// ownTags leaves out the tags that AWS and Backstop keep themselves.
func ownTags(tags []types.Tag) []types.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t types.Tag) bool {
		key := strings.ToLower(aws.ToString(t.Key))
		return strings.HasPrefix(key, "aws:") || strings.HasPrefix(key, "backstop:")
	})
}

// Wire returns the call in the form that AWS reads: the JSON that `aws ecs create-service --cli-input-json` takes.
func Wire(in *ecs.CreateServiceInput) (map[string]json.RawMessage, error) {
	out, err := wire(smithy.NewOperationSchema(schemas.CreateService, schemas.CreateServiceRequest, schemas.CreateServiceResponse), in)
	if err != nil {
		return nil, fmt.Errorf("write service %s: %w", aws.ToString(in.ServiceName), err)
	}
	maps.DeleteFunc(out, func(_ string, v json.RawMessage) bool {
		return slices.Contains([]string{"null", "[]", "{}"}, string(v))
	})
	return out, nil
}

// WireUpdate returns a change in the form that `aws ecs update-service --cli-input-json` takes.
func WireUpdate(in *ecs.UpdateServiceInput) (map[string]json.RawMessage, error) {
	out, err := wire(smithy.NewOperationSchema(schemas.UpdateService, schemas.UpdateServiceRequest, schemas.UpdateServiceResponse), in)
	if err != nil {
		return nil, fmt.Errorf("write the change of service %s: %w", aws.ToString(in.Service), err)
	}
	return out, nil
}

// wire writes a call as the SDK does.
func wire(operation *smithy.OperationSchema, in smithy.Serializable) (map[string]json.RawMessage, error) {
	request, ok := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if !ok {
		return nil, errors.New("the SDK makes no HTTP request")
	}
	if err := awsjson.New11(schemas.AmazonEC2ContainerServiceV20141113).SerializeRequest(context.Background(), operation, in, request); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(request.GetStream())
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	return out, json.Unmarshal(raw, &out)
}

// Difference is a field in which a twin is not as its service.
type Difference struct {
	// Field has AWS's name, with those of the parts where it has any: networkConfiguration.awsvpcConfiguration.subnets. Service and Twin are its
	// values as JSON; "none" where there is no value.
	Field   string `json:"field"`
	Service string `json:"service"`
	Twin    string `json:"twin"`
}

// Top is the field of the service that it is in, with AWS's name.
func (d *Difference) Top() string {
	top, _, _ := strings.Cut(d.Field, ".")
	return top
}

// Vital reports whether cover that differs in it serves nothing, or something else.
func (d *Difference) Vital() bool { return slices.Contains(vital, d.Top()) }

// String says it, without what is the same in every ARN of a task definition.
func (d *Difference) String() string {
	return fmt.Sprintf("%s %s, not %s", d.Field, brief(d.Twin), brief(d.Service))
}

// Why is the table's reason for which it should be the same.
func (d *Difference) Why() string {
	for _, table := range [][]Field{serviceFields, revisionFields} {
		for _, f := range table {
			if strings.EqualFold(f.Name, d.Top()) && (f.Treatment == Copied || f.Treatment == Compared) {
				return f.Why
			}
		}
	}
	return ""
}

// brief shortens a value for a sentence.
func brief(value string) string {
	const most = 80
	if _, revision, ok := strings.Cut(value, ":task-definition/"); ok {
		return strings.TrimSuffix(revision, `"`)
	}
	if value = strings.Trim(value, `"`); len(value) > most {
		return value[:most] + "..."
	}
	return value
}

// Differences compares a service with its twin in all that is copied or compared: of service revisions, where both are known.
func Differences(service, other Live) ([]Difference, error) {
	if service.Revision == nil || other.Revision == nil {
		service.Revision, other.Revision = nil, nil
	}
	a, err := shared(service)
	if err != nil {
		return nil, err
	}
	b, err := shared(other)
	if err != nil {
		return nil, err
	}
	return compare("", a, b, nil), nil
}

// compare adds the differences of two values to a list: part by part where both have parts.
func compare(at string, a, b any, out []Difference) []Difference {
	x, ok1 := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if !ok1 || !ok2 {
		if _, flag := b.(bool); flag && a == nil {
			a = false
		}
		if _, flag := a.(bool); flag && b == nil {
			b = false
		}
		if text(a) != text(b) {
			out = append(out, Difference{at, text(a), text(b)})
		}
		return out
	}
	keys := maps.Clone(x)
	maps.Copy(keys, y)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		out = compare(strings.TrimPrefix(at+"."+k, "."), x[k], y[k], out)
	}
	return out
}

// Form is what a service is, by vital field, in a few characters each: twins have the same, but for their task definition, which is not in
// it. It needs no service revision.
func Form(s *types.Service) (map[string]string, error) {
	all, err := shared(Live{Service: s})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, field := range vital {
		if v, ok := all[field]; ok && field != "taskDefinition" {
			sum := sha256.Sum256([]byte(text(v)))
			out[field] = hex.EncodeToString(sum[:8])
		}
	}
	return out, nil
}

// Align is the call that makes a twin as its service in the fields of differences, and what of them it cannot change.
func Align(service Live, cluster, name string, differences []Difference) (in *ecs.UpdateServiceInput, left []string) {
	in = &ecs.UpdateServiceInput{Cluster: &cluster, Service: &name}
	from, to := reflect.ValueOf(same(service)).Elem(), reflect.ValueOf(in).Elem()
	for i := range differences {
		top := differences[i].Top()
		field := strings.ToUpper(top[:1]) + top[1:]
		target, source := to.FieldByName(field), from.FieldByName(field)
		switch {
		case !target.IsValid() || !source.IsValid():
			if !slices.Contains(left, top) {
				left = append(left, top)
			}
			continue
		case target.Type() == source.Type():
			target.Set(source)
		case target.Kind() == reflect.Pointer && target.Type().Elem() == source.Type():
			target.Set(reflect.New(source.Type()))
			target.Elem().Set(source)
		}
		switch { // what the service lacks is to be taken from the twin
		case target.Kind() == reflect.Slice && target.IsNil():
			target.Set(reflect.MakeSlice(target.Type(), 0, 0))
		case field == "HealthCheckGracePeriodSeconds" && target.IsNil():
			in.HealthCheckGracePeriodSeconds = aws.Int32(0)
		case field == "PlatformVersion" && target.IsNil():
			in.PlatformVersion = aws.String("LATEST")
		}
	}
	return in, left
}

// shared is what must agree, with one form for what means the same.
func shared(l Live) (map[string]any, error) {
	wire, err := Wire(same(l))
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for k, raw := range wire {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("compare %s: %w", k, err)
		}
		out[k] = ordered(v)
	}
	if v := out["platformVersion"]; v == nil || v == "LATEST" {
		out["platformVersion"] = latest
	}
	for k, v := range out { // false and absent are the same
		if v == false {
			delete(out, k)
		}
	}
	out["platformFamily"] = strings.ToLower(aws.ToString(l.Service.PlatformFamily))
	if out["platformFamily"] == "" {
		out["platformFamily"] = "linux"
	}
	return out, nil
}

// latest is what the platform version LATEST is on Linux.
const latest = "1.4.0"

// ordered sorts lists, whose order means nothing in a service: subnets, security groups, target groups, tags.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = ordered(v[k])
		}
	case []any:
		for i := range v {
			v[i] = ordered(v[i])
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	}
	return v
}

func text(v any) string {
	if v == nil {
		return "none"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
