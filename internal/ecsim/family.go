package ecsim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// family is a task definition family and its revisions, in order.
type family struct {
	name      string
	revisions []*TaskDefinition
}

// RegisterTaskDefinition adds a revision. Errors: ClientException for a value that Fargate does not take.
func (w *World) RegisterTaskDefinition(regionName string, in TaskDefinitionInput) (TaskDefinition, error) {
	if !validName(in.Family) {
		return TaskDefinition{}, clientError("ClientException", "Family contains invalid characters.")
	}
	d := TaskDefinition{
		Family: in.Family, Status: "ACTIVE", CPU: in.CPU, Memory: in.Memory, Arch: in.Arch, StopTimeout: in.StopTimeout,
		OnSIGTERM: in.OnSIGTERM, Broken: in.Broken, WarmUp: in.WarmUp, NeverHealthy: in.NeverHealthy, Program: in.Program, Container: in.Container, Image: in.Image, CreatedAt: w.Now(),
		Tags: mergeTags(nil, in.Tags), Raw: slices.Clone(in.Raw),
	}
	if in.HealthCheck != nil {
		d.HealthCheck = new(*in.HealthCheck)
	}
	d.CPU, d.Memory = cmp.Or(d.CPU, DefaultCPU), cmp.Or(d.Memory, DefaultMemory)
	if d.CPU < 0 || d.Memory < 0 {
		return TaskDefinition{}, clientError("ClientException", "No Fargate configuration exists for given values.")
	}
	switch d.Arch {
	case "":
		d.Arch = "X86_64"
	case "X86_64", "ARM64":
	default:
		return TaskDefinition{}, clientError("ClientException", "Invalid cpuArchitecture "+strconv.Quote(in.Arch)+".")
	}
	if d.StopTimeout == 0 {
		d.StopTimeout = w.cfg.StopTimeout
	} else if d.StopTimeout < minStopTimeout || d.StopTimeout > maxStopTimeout {
		return TaskDefinition{}, clientError("ClientException", "stopTimeout must be between 2 and 120 seconds on Fargate.")
	}
	if d.OnSIGTERM == BehaviourDefault {
		d.OnSIGTERM = w.cfg.OnSIGTERM
	}
	if d.Container == "" {
		d.Container = "app"
	}
	r := w.region(regionName)
	f := r.family(in.Family)
	if f == nil {
		f = &family{name: in.Family}
		r.families = append(r.families, f)
	}
	d.Revision = len(f.revisions) + 1
	d.ARN = "arn:aws:ecs:" + regionName + ":" + w.cfg.Account + ":task-definition/" + in.Family + ":" + strconv.Itoa(d.Revision)
	f.revisions = append(f.revisions, &d)
	return d.clone(), nil
}

// DescribeTaskDefinition returns a revision by ARN, family:revision or family (the latest active one). Error: ClientException.
func (w *World) DescribeTaskDefinition(regionName, name string) (TaskDefinition, error) {
	if d := w.region(regionName).definition(name); d != nil {
		return d.clone(), nil
	}
	return TaskDefinition{}, clientError("ClientException", "Unable to describe task definition.")
}

// DeregisterTaskDefinition marks a revision INACTIVE: services that use it go on, new uses are refused. Error: ClientException.
func (w *World) DeregisterTaskDefinition(regionName, name string) (TaskDefinition, error) {
	d := w.region(regionName).definition(name)
	if d == nil || !strings.Contains(lastPart(name), ":") {
		return TaskDefinition{}, clientError("ClientException", "Unable to describe task definition.")
	}
	d.Status = "INACTIVE"
	return d.clone(), nil
}

// Families returns the names of all families, in order.
func (w *World) Families(regionName string) []string {
	var names []string
	for _, f := range w.region(regionName).families {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// ListTaskDefinitions returns the ARNs of the revisions with a status (ACTIVE or INACTIVE), of one family or (with "") of all, in the order of their
// making.
func (w *World) ListTaskDefinitions(regionName, familyName, status string) []string {
	var arns []string
	for _, f := range w.region(regionName).families {
		if familyName != "" && f.name != familyName {
			continue
		}
		for _, d := range f.revisions {
			if d.Status == status {
				arns = append(arns, d.ARN)
			}
		}
	}
	return arns
}

// SetTaskDefinitionBroken makes every task started from now on from this revision fail in this way. Error: ClientException.
func (w *World) SetTaskDefinitionBroken(regionName, name string, mode FailMode) error {
	d := w.region(regionName).definition(name)
	if d == nil {
		return clientError("ClientException", "Unable to describe task definition.")
	}
	d.Broken = mode
	return nil
}

func (r *region) family(name string) *family {
	for _, f := range r.families {
		if f.name == name {
			return f
		}
	}
	return nil
}

// definition finds a revision; a family alone means its latest active one. It returns nil if there is none.
func (r *region) definition(name string) *TaskDefinition {
	familyName, number, exact := strings.Cut(lastPart(name), ":")
	f := r.family(familyName)
	if f == nil {
		return nil
	}
	if exact {
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= len(f.revisions) {
			return f.revisions[n-1]
		}
		return nil
	}
	for _, d := range slices.Backward(f.revisions) {
		if d.Status == "ACTIVE" {
			return d
		}
	}
	return nil
}

// usable finds an active revision for a new service, deployment or task; the error is ECS's ClientException.
func (r *region) usable(name string) (*TaskDefinition, error) {
	d := r.definition(name)
	if d == nil {
		return nil, clientError("ClientException", "TaskDefinition not found.")
	}
	if d.Status != "ACTIVE" {
		return nil, clientError("ClientException", "TaskDefinition is inactive")
	}
	return d, nil
}

func (d *TaskDefinition) clone() TaskDefinition {
	c := *d
	if d.HealthCheck != nil {
		c.HealthCheck = new(*d.HealthCheck)
	}
	c.Tags = slices.Clone(d.Tags)
	c.Raw = slices.Clone(d.Raw)
	return c
}

// grace is how long a container may go on after SIGTERM: its stop timeout, and on a Spot interruption no longer than the warning.
func (d *TaskDefinition) grace(obeyTime, limit time.Duration) (time.Duration, int) {
	if d.OnSIGTERM == ObeySIGTERM && obeyTime < min(d.StopTimeout, limit) {
		return obeyTime, 143
	}
	return min(d.StopTimeout, limit), 137
}
