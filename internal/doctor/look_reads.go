package doctor

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// readsMost is how often a service is read, readsApart the time between two reads, servicesMost how many services are read.
	readsMost    = 20
	readsApart   = 500 * time.Millisecond
	servicesMost = 3
)

// readings are what repeated reads of services showed.
type readings struct {
	reads, changes, older int
	service               string // of which a read showed what was before, or nothing
}

// reread reads a few services again and again: whether a read shows what an earlier one had passed already.
func (l *looker) reread(ctx context.Context) {
	if l.o.Pause == nil {
		return
	}
	r := readings{}
	services := 0
	for i := range l.o.Workloads {
		w := &l.o.Workloads[i]
		if services++; services > servicesMost {
			break
		}
		s := subjectOf(w, 0)
		ref := w.Refs[0]
		client := ecs.NewFromConfig(l.config(place{ref.Region, ref.RoleARN}))
		var newest types.Service
		for n := range readsMost {
			ok := l.call(ctx, s, place{ref.Region, ref.RoleARN}, callServices, "read "+ref.Service+" again", func(ctx context.Context) error {
				out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &ref.Cluster, Services: []string{ref.Service}})
				if err != nil {
					return err
				}
				r.reads++
				if len(out.Services) == 0 {
					if n > 0 {
						r.older++
						r.service = ref.Service
					}
					return nil
				}
				now := out.Services[0]
				switch then := latest(&newest); {
				case n == 0:
				case latest(&now).After(then):
					r.changes++
				case latest(&now).Before(then):
					r.older++
					r.service = ref.Service
					return nil
				}
				newest = now
				return nil
			})
			if !ok || l.o.Pause(ctx, readsApart) != nil {
				return
			}
		}
	}
	l.f.readings = &r
}

// latest is when the newest thing happened that a service shows.
func latest(s *types.Service) (at time.Time) {
	for i := range s.Events {
		if t := aws.ToTime(s.Events[i].CreatedAt); t.After(at) {
			at = t
		}
	}
	for i := range s.Deployments {
		if t := aws.ToTime(s.Deployments[i].UpdatedAt); t.After(at) {
			at = t
		}
	}
	return at
}

func checkReads(x *exam) verdict {
	r := x.f.readings
	switch {
	case r == nil:
		return skip("reads were not repeated: backstop doctor --live does, for some seconds")
	case r.older > 0:
		return bad(Warn, "stale_for: how old reads may be is a key of the configuration; backstop config explain stale_for",
			"%d of %d reads showed less than one before them (%s): AWS answers with what was (A28)", r.older, r.reads, r.service)
	case r.changes == 0:
		return okay("%s, and nothing changed meanwhile that would have shown an old one", wording.Count(r.reads, "read"))
	}
	return okay("%s over %s, none older than the one before", wording.Count(r.reads, "read"), wording.Count(r.changes, "change"))
}
