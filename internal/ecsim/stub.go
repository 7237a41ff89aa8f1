package ecsim

import "time"

// World is the model. Make one with New.
type World struct{ cfg Config }

// SupplyKey names capacity. Arch "" is X86_64; Zone "" is the limit on the sum over the region's zones.
type SupplyKey struct{ Region, Provider, Arch, Zone string }

// Cluster is a snapshot of one cluster.
type Cluster struct {
	Region, Name, ARN, Status        string
	ActiveServices, Running, Pending int
	Tags                             []Tag
}

// Usage is what AWS would bill, and what happened, on one provider or in one service.
type Usage struct {
	TaskSeconds   float64
	VCPUSeconds   float64
	GBSeconds     float64
	Created       int
	Started       int
	Interruptions int
}

// Fault is trouble that API calls meet.
type Fault struct {
	Region string
	Op     string
	Share  float64
	Times  int
	Until  time.Time
	Err    APIError
}

func New(cfg Config) *World                  { return &World{cfg: cfg} }
func (w *World) Config() Config              { return w.cfg }
func (w *World) Now() time.Time              { return w.cfg.Start }
func (w *World) Next() (time.Time, bool)     { return time.Time{}, false }
func (w *World) AdvanceTo(t time.Time)       {}
func (w *World) Drain() []Event              { return nil }
func (w *World) DrainTo(dst []Event) []Event { return dst }

func (w *World) CreateCluster(region, name string, tags []Tag) (Cluster, error) {
	return Cluster{}, nil
}
func (w *World) DescribeClusters(region string, names []string) ([]Cluster, []Failure) {
	return nil, nil
}
func (w *World) ListClusters(region string) []string { return nil }
func (w *World) RegisterTaskDefinition(region string, in TaskDefinitionInput) (TaskDefinition, error) {
	return TaskDefinition{}, nil
}
func (w *World) DescribeTaskDefinition(region, name string) (TaskDefinition, error) {
	return TaskDefinition{}, nil
}
func (w *World) ListTaskDefinitions(region, family string) []string { return nil }
func (w *World) CreateService(region string, in CreateServiceInput) (Service, error) {
	return Service{}, nil
}
func (w *World) UpdateService(ref Ref, in UpdateServiceInput) (Service, error) { return Service{}, nil }
func (w *World) DeleteService(ref Ref, force bool) (Service, error)            { return Service{}, nil }
func (w *World) DescribeServices(region, cluster string, names []string) ([]Service, []Failure, error) {
	return nil, nil, nil
}
func (w *World) ListServices(region, cluster string) ([]string, error)        { return nil, nil }
func (w *World) ListTasks(region string, in ListTasksInput) ([]string, error) { return nil, nil }
func (w *World) DescribeTasks(region, cluster string, ids []string) ([]Task, []Failure, error) {
	return nil, nil, nil
}
func (w *World) RunTask(region string, in RunTaskInput) ([]Task, []Failure, error) {
	return nil, nil, nil
}
func (w *World) StopTask(region, cluster, id, reason string) (Task, error) { return Task{}, nil }
func (w *World) UpdateTaskProtection(region, cluster string, ids []string, enabled bool, expires time.Duration) ([]Protection, []Failure, error) {
	return nil, nil, nil
}
func (w *World) GetTaskProtection(region, cluster string, ids []string) ([]Protection, []Failure, error) {
	return nil, nil, nil
}
func (w *World) TagResource(arn string, tags []Tag) error      { return nil }
func (w *World) UntagResource(arn string, keys []string) error { return nil }
func (w *World) ListTagsForResource(arn string) ([]Tag, error) { return nil, nil }

func (w *World) SetSupply(key SupplyKey, n int)                                   {}
func (w *World) Supply(key SupplyKey) (limit, held int)                           { return -1, 0 }
func (w *World) Interrupt(ref Ref, n int, zone string, reduce bool) []string      { return nil }
func (w *World) SetBroken(ref Ref, mode FailMode) error                           { return nil }
func (w *World) SetTaskDefinitionBroken(region, name string, mode FailMode) error { return nil }
func (w *World) SetQuota(region, provider string, vcpu float64)                   {}
func (w *World) Quota(region, provider string) (limit, used float64)              { return 0, 0 }
func (w *World) RaisePlacementFailure(ref Ref) error                              { return nil }
func (w *World) Fail(f Fault)                                                     {}
func (w *World) ClearFaults()                                                     {}
func (w *World) Fault(region, op string) *APIError                                { return nil }
func (w *World) Allow(region, op string) error                                    { return nil }

func (w *World) Counts(ref Ref) (desired, running, pending int)         { return 0, 0, 0 }
func (w *World) Working(ref Ref) int                                    { return 0 }
func (w *World) AppendTasks(dst []Task, ref Ref, desired Status) []Task { return dst }
func (w *World) Usage(provider string) Usage                            { return Usage{} }
func (w *World) ServiceUsage(ref Ref) Usage                             { return Usage{} }
