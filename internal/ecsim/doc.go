// Package ecsim is a deterministic model of Amazon ECS on AWS Fargate: one AWS account, several regions, in virtual time.
//
// A World holds clusters, task definitions, services, tasks and the capacity that Fargate and Fargate Spot have. Its operations have
// the names, the semantics and the errors of the ECS API; its events are what ECS sends to EventBridge. The clock moves only when
// AdvanceTo is called, and everything random is drawn from streams derived from Config.Seed, one stream a subsystem, so the same
// configuration and the same calls give the same world, event for event.
//
// Where AWS promises something, the model keeps the promise; where it promises nothing, the model takes the reading that is least
// kind to a controller. Every such reading is an entry (A1, A2, ...) in docs/aws-assumptions.md and has a knob in Config.
//
// The package is not a wire protocol (no JSON of AWS, no paging, no HTTP: that is the sandbox's), not a policy, and not safe for
// concurrent use. It imports no I/O, reads no clock and starts no goroutine.
package ecsim
