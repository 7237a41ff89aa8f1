package twin

import (
	"bytes"
	"context"
	"encoding/json"
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
	return in
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
	request, ok := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if !ok {
		return nil, fmt.Errorf("write service %s: the SDK makes no HTTP request", aws.ToString(in.ServiceName))
	}
	operation := smithy.NewOperationSchema(schemas.CreateService, schemas.CreateServiceRequest, schemas.CreateServiceResponse)
	protocol := awsjson.New11(schemas.AmazonEC2ContainerServiceV20141113)
	if err := protocol.SerializeRequest(context.Background(), operation, in, request); err != nil {
		return nil, fmt.Errorf("write service %s: %w", aws.ToString(in.ServiceName), err)
	}
	raw, err := io.ReadAll(request.GetStream())
	if err != nil {
		return nil, fmt.Errorf("write service %s: %w", aws.ToString(in.ServiceName), err)
	}
	out := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("write service %s: %w", aws.ToString(in.ServiceName), err)
	}
	maps.DeleteFunc(out, func(_ string, v json.RawMessage) bool {
		return slices.Contains([]string{"null", "[]", "{}"}, string(v))
	})
	return out, nil
}

// Difference is a field in which a twin is not as its service.
type Difference struct {
	// Field has AWS's name. Service and Twin are its values as JSON; "none" where there is no value.
	Field   string `json:"field"`
	Service string `json:"service"`
	Twin    string `json:"twin"`
}

// Differences compares a service with its twin in all that is copied or compared.
func Differences(service, other Live) ([]Difference, error) {
	a, err := shared(service)
	if err != nil {
		return nil, err
	}
	b, err := shared(other)
	if err != nil {
		return nil, err
	}
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var out []Difference
	for _, k := range keys {
		if x, y := text(a[k]), text(b[k]); x != y {
			out = append(out, Difference{k, x, y})
		}
	}
	return out, nil
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
