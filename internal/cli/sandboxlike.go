package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/mirror"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/simulate"
	"github.com/backstop-ecs/backstop/internal/trace"
)

const (
	// mirrorTimeout is how long AWS may take to be read for a mirror.
	mirrorTimeout = 5 * time.Minute
	// dayStep is how often a trace that is played is looked at, in real time.
	dayStep = 100 * time.Millisecond
)

// shape reads what --like names; without it, nothing.
func (o *sandboxOptions) shape(ctx context.Context) (*mirror.Shape, error) {
	if o.like == "" {
		return &mirror.Shape{}, nil
	}
	cfg, err := session.Load(ctx, o.like)
	if err != nil {
		return nil, err
	}
	reading, cancel := context.WithTimeout(ctx, mirrorTimeout)
	defer cancel()
	found, err := mirror.Read(reading, cfg, "")
	if err != nil {
		return nil, fmt.Errorf("--like %s: %w", o.like, err)
	}
	if len(found.Services) == 0 {
		return nil, fmt.Errorf("--like %s: there is no service on Fargate", o.like)
	}
	return found, nil
}

// mirror makes the services of a shape, in process: nothing that is written can reach anything but the sandbox.
func (o *sandboxOptions) mirror(ctx context.Context, box *sandbox.Sandbox, shape *mirror.Shape) (*mirror.Made, error) {
	if len(shape.Services) == 0 {
		return &mirror.Made{}, nil
	}
	box.SetDelivery(sandbox.Trouble{Paused: true}) // the starts are no news
	cfg := aws.Config{Region: o.region, HTTPClient: box, BaseEndpoint: aws.String("http://sandbox.localhost"), Credentials: credentials.NewStaticCredentialsProvider("sandbox", "sandbox", "")}
	made, err := shape.Build(ctx, cfg, func() { box.AdvanceTo(box.Now().Add(time.Second)) })
	if err != nil {
		return nil, err
	}
	made.Differs = append(made.Differs, shape.Unread...)
	return made, nil
}

// likeness is what --like and --trace name: an empty shape and no trace without them. A built-in trace is made for as many tasks as want Spot; a file is
// read before AWS is.
func (o *sandboxOptions) likeness(ctx context.Context) (*mirror.Shape, *trace.Trace, error) {
	var day *trace.Trace
	builtin := slices.ContainsFunc(trace.Builtins(), func(b trace.Builtin) bool { return b.Name == o.trace })
	if o.trace != "" && !builtin {
		var err error
		if day, err = simulate.ReadTrace(ctx, o.trace); err == nil {
			err = mirror.Playable(day)
		}
		if err != nil {
			return nil, nil, usageError("--trace: %w; `backstop simulate --list` names the built-in ones", err)
		}
	}
	shape, err := o.shape(ctx)
	if err != nil || !builtin {
		return shape, day, err
	}
	day, err = trace.Generate(o.trace, trace.Shape{Tasks: o.spotTasks(shape), Seed: o.seed})
	return shape, day, err
}

// spotTasks is how many tasks want Spot at the start, at least one.
func (o *sandboxOptions) spotTasks(shape *mirror.Shape) int {
	n := shape.SpotTasks()
	if twins, err := o.twins(); err == nil {
		for _, t := range twins {
			if !t.Alone {
				n += t.Count
			}
		}
	}
	return max(n, 1)
}

// playDay sets the capacity that a trace has at the sandbox's time, until the trace or ctx ends.
func playDay(ctx context.Context, box *sandbox.Sandbox, t *trace.Trace, region string) {
	begin, played := box.Now(), time.Duration(-1)
	ticker := time.NewTicker(dayStep)
	defer ticker.Stop()
	for played < t.Duration {
		at := box.Now().Sub(begin)
		due := mirror.Due(t, played, at)
		box.World(func(w *ecsim.World) {
			for _, c := range due {
				provider := ecsim.FargateSpot
				if c.Pool == trace.OnDemand {
					provider = ecsim.Fargate
				}
				w.SetSupply(ecsim.SupplyKey{Region: region, Provider: provider, Zone: c.Zone}, c.Tasks)
			}
		})
		played = at
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
