package adopt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TagKey is the tag of a twin that keeps what its service was before it was adopted. It is made together with the twin, before anything of
// the service is changed, so that an adoption goes on, or is undone, from any machine and whatever was killed.
const TagKey = "backstop:adopted"

// launchType stands in a record for a service without a capacity provider strategy.
const launchType = "launch-type"

// Record is what was before a service was adopted.
type Record struct {
	// Of is the service whose twin it is; empty where its name is too long for the tag.
	Of string
	// Made reports whether the adoption made the twin, so that its undo deletes it.
	Made bool
	// Strategy is the service's own; none where it has the launch type FARGATE.
	Strategy []types.CapacityProviderStrategyItem
	// In, Out and Scheduled are what was suspended of its auto scaling.
	In, Out, Scheduled bool
}

// tagMax is how long the value of a tag may be (Amazon ECS API reference, Tag).
const tagMax = 256

// recordOf is the record of a service as it is now.
func recordOf(made bool, s *types.Service, suspended *scaling.SuspendedState) Record {
	r := Record{Of: aws.ToString(s.ServiceName), Made: made, Strategy: s.CapacityProviderStrategy}
	if suspended != nil {
		r.In, r.Out, r.Scheduled = aws.ToBool(suspended.DynamicScalingInSuspended), aws.ToBool(suspended.DynamicScalingOutSuspended), aws.ToBool(suspended.ScheduledScalingSuspended)
	}
	return r
}

// tag is the record in the characters that AWS allows in a tag.
func (r *Record) tag() types.Tag {
	items := []string{}
	for _, i := range r.Strategy {
		items = append(items, fmt.Sprintf("%s:%d:%d", aws.ToString(i.CapacityProvider), i.Weight, i.Base))
	}
	strategy := strings.Join(items, "+")
	if len(items) == 0 {
		strategy = launchType
	}
	value := fmt.Sprintf("made=%t strategy=%s in=%t out=%t scheduled=%t", r.Made, strategy, r.In, r.Out, r.Scheduled)
	if of := " of=" + r.Of; r.Of != "" && len(value)+len(of) <= tagMax {
		value += of
	}
	return types.Tag{Key: aws.String(TagKey), Value: &value}
}

// readRecord reads the record in the tags of a twin; ok is false where there is none.
func readRecord(tags []types.Tag) (r Record, ok bool, err error) {
	for _, t := range tags {
		if aws.ToString(t.Key) == TagKey {
			r, err = parseRecord(aws.ToString(t.Value))
			return r, err == nil, err
		}
	}
	return Record{}, false, nil
}

func parseRecord(text string) (Record, error) {
	values := map[string]string{}
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		values[key] = value
	}
	r := Record{Of: values["of"]}
	for key, to := range map[string]*bool{"made": &r.Made, "in": &r.In, "out": &r.Out, "scheduled": &r.Scheduled} {
		var err error
		if *to, err = strconv.ParseBool(values[key]); err != nil {
			return Record{}, fmt.Errorf("read tag %s: %q is not a record: %s", TagKey, text, key)
		}
	}
	if values["strategy"] == launchType {
		return r, nil
	}
	for _, item := range strings.Split(values["strategy"], "+") {
		part := strings.Split(item, ":")
		if len(part) != 3 {
			return Record{}, fmt.Errorf("read tag %s: %q is not a record: strategy", TagKey, text)
		}
		weight, err1 := strconv.ParseInt(part[1], 10, 32)
		base, err2 := strconv.ParseInt(part[2], 10, 32)
		if err1 != nil || err2 != nil || part[0] == "" {
			return Record{}, fmt.Errorf("read tag %s: %q is not a record: strategy", TagKey, text)
		}
		r.Strategy = append(r.Strategy, types.CapacityProviderStrategyItem{CapacityProvider: &part[0], Weight: int32(weight), Base: int32(base)})
	}
	return r, nil
}

// sameStrategy reports whether two strategies put tasks on the same capacity.
func sameStrategy(a, b []types.CapacityProviderStrategyItem) bool {
	text := func(s []types.CapacityProviderStrategyItem) string {
		t := (&Record{Strategy: s}).tag()
		return aws.ToString(t.Value)
	}
	return text(a) == text(b)
}
