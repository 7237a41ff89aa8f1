package service

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
)

// stopTimeoutDefault is how long ECS leaves a container between SIGTERM and SIGKILL where its definition does not say.
const stopTimeoutDefault = 30 * time.Second

// definition is what readiness needs to know of a task definition's revision, which never changes.
type definition struct {
	// checks reports whether an essential container has a health check.
	checks bool
	// cpu, memory and arch are the size of a task; 0 where the definition does not say it.
	cpu, memory int
	arch        string
	// stop is the longest time that a container may take to stop.
	stop time.Duration
}

// definitions keeps what was read. The zero value is ready.
type definitions struct {
	mu  sync.Mutex
	all map[string]definition
}

func (d *definitions) of(arn string) (definition, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, ok := d.all[arn]
	return one, ok
}

func (d *definitions) keep(arn string, one definition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = make(map[string]definition)
	}
	d.all[arn] = one
}

// define reads a task definition once.
func (c *client) define(ctx context.Context, arn string, worth control.Worth) (definition, error) {
	if one, ok := c.definitions.of(arn); ok || arn == "" {
		return one, nil
	}
	return c.defineBy(ctx, arn, worth, call)
}

// asking is [call], or [paid] for who has the token.
type asking[T any] func(context.Context, *limits, *bucket, control.Worth, func(context.Context) (T, error)) (T, error)

func (c *client) defineBy(ctx context.Context, arn string, worth control.Worth, ask asking[*ecs.DescribeTaskDefinitionOutput]) (definition, error) {
	out, err := ask(ctx, c.limits, c.limits.definitionRead, worth, func(ctx context.Context) (*ecs.DescribeTaskDefinitionOutput, error) {
		return c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &arn})
	})
	if err != nil {
		return definition{}, failure.Wrap("ecs:DescribeTaskDefinition", "describe task definition "+lastPart(arn), err)
	}
	one := definition{arch: string(types.CPUArchitectureX8664)}
	one.cpu, _ = strconv.Atoi(aws.ToString(out.TaskDefinition.Cpu))
	one.memory, _ = strconv.Atoi(aws.ToString(out.TaskDefinition.Memory))
	if p := out.TaskDefinition.RuntimePlatform; p != nil && p.CpuArchitecture != "" {
		one.arch = string(p.CpuArchitecture)
	}
	for i := range out.TaskDefinition.ContainerDefinitions {
		k := &out.TaskDefinition.ContainerDefinitions[i]
		stop := stopTimeoutDefault
		if k.StopTimeout != nil {
			stop = time.Duration(*k.StopTimeout) * time.Second
		}
		one.stop = max(one.stop, stop)
		// A task's health is that of its essential containers that have a check.
		if k.HealthCheck != nil && len(k.HealthCheck.Command) > 0 && k.HealthCheck.Command[0] != "NONE" && (k.Essential == nil || aws.ToBool(k.Essential)) {
			one.checks = true
		}
	}
	c.definitions.keep(arn, one)
	return one, nil
}

// Size returns the size of a service's tasks if the looks at it have shown it.
func (s *Services) Size(ref control.ServiceRef) (cpu, memory int, arch string, ok bool) {
	f, ok := s.known.of(ref)
	if !ok {
		return 0, 0, "", false
	}
	d, _ := s.clients.get(ref.Region, ref.RoleARN).definitions.of(f.definition)
	return d.cpu, d.memory, d.arch, d.cpu > 0 && d.memory > 0
}

// learn reads the task definitions that are not known yet, as far as that keeps no look waiting; the rest is read at a later one.
func (c *client) learn(ctx context.Context, arns []string, worth control.Worth) {
	var all sync.WaitGroup
	asked := make(map[string]bool)
	for _, arn := range arns {
		if _, ok := c.definitions.of(arn); ok || asked[arn] || arn == "" {
			continue
		}
		if !c.limits.definitionRead.idle() {
			break
		}
		asked[arn] = true
		all.Go(func() { _, _ = c.defineBy(ctx, arn, worth, paid) }) // what cannot be read is asked for again, with its error told, where it matters
	}
	all.Wait()
}
