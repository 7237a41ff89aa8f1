package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
)

// Change is one change that stops no task, starts none and can be undone.
type Change struct {
	// Text says what is changed, in one line.
	Text string `json:"text"`
	// Pool says whose service it is.
	Pool string `json:"pool"`

	ref     control.ServiceRef
	service *ecs.UpdateServiceInput
	scaling *applicationautoscaling.RegisterScalableTargetInput
}

// updateChange changes fields of a service that has no tasks. The desired count is not touched.
func updateChange(p *poolFacts, in *ecs.UpdateServiceInput, fields string) Change {
	return Change{Text: fmt.Sprintf("%s, which has no tasks: update-service: %s", p.ref.Service, fields), Pool: p.policy.Name, ref: p.ref, service: in}
}

// minChange takes the min of a standby's scalable target down to 0. The call would lift a count below min, and
// leaves one within the new bounds alone.
func minChange(p *poolFacts) Change {
	return Change{Text: fmt.Sprintf("%s: register-scalable-target --min-capacity 0", p.ref.Service), Pool: p.policy.Name, ref: p.ref,
		scaling: &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount",
			ResourceId: aws.String(resourceID(p.ref)), MinCapacity: aws.Int32(0)}}
}

// merge leaves out what is there already: a standby of several workloads.
func merge(all []Change) []Change {
	var out []Change
	for _, c := range all {
		if !slices.ContainsFunc(out, func(o Change) bool { return o.ref == c.ref && (o.service == nil) == (c.service == nil) }) {
			out = append(out, c)
		}
	}
	return out
}

// tellApart writes the whole name of a service where another one has the same name in another cluster or region.
func tellApart(all []Change) []Change {
	refs := map[string]control.ServiceRef{}
	var twice []string
	for _, c := range all {
		if ref, known := refs[c.ref.Service]; known && ref != c.ref {
			twice = append(twice, c.ref.Service)
		}
		refs[c.ref.Service] = c.ref
	}
	for i := range all {
		if c := &all[i]; slices.Contains(twice, c.ref.Service) {
			c.Text = c.ref.String() + strings.TrimPrefix(c.Text, c.ref.Service)
		}
	}
	return all
}

// Again reports whether anything of a service that was changed is still to be changed.
func Again(made, left []Change) bool {
	return slices.ContainsFunc(left, func(l Change) bool {
		return slices.ContainsFunc(made, func(m Change) bool { return m.ref == l.ref && (m.service == nil) == (l.service == nil) })
	})
}

// Apply makes changes, in their order, and stops at the first that fails.
func Apply(ctx context.Context, cfg aws.Config, changes []Change, done func(Change)) error {
	l := looker{o: Options{AWS: cfg}}
	for _, c := range changes {
		own := l.config(place{c.ref.Region, c.ref.RoleARN})
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		var err error
		if c.service != nil {
			_, err = ecs.NewFromConfig(own).UpdateService(ctx, c.service)
			err = failure.Wrap("ecs:UpdateService", "update service "+c.ref.String(), err)
		} else {
			_, err = applicationautoscaling.NewFromConfig(own).RegisterScalableTarget(ctx, c.scaling)
			err = failure.Wrap("application-autoscaling:RegisterScalableTarget", "change the scalable target of "+c.ref.String(), err)
		}
		cancel()
		if err != nil {
			return err
		}
		if done != nil {
			done(c)
		}
	}
	return nil
}
