// Package sandbox serves the model of ECS and Fargate in package ecsim over the AWS wire protocols, so that
// the AWS SDKs, the AWS CLI and the product's own adapters can talk to it with nothing but an endpoint and
// dummy credentials.
//
// It speaks ECS, Application Auto Scaling, SQS (JSON and query), SNS, Service Quotas, STS and the reading half
// of EventBridge, as far as the product and an operator at a prompt need them. What it lacks it says: an
// operation that is not here answers with the error that AWS gives for an unknown operation, naming it.
// POST /_sandbox/... steers the world: capacity, interruptions, faults, speed (docs/sandbox.md).
//
// It is not a second model: every rule about services, tasks, capacity and events lives in ecsim. Here are the
// protocols, the queues, the clock that ties virtual to real time, and the faults of the road in between.
// It checks no signatures and keeps everything in memory.
//
// The protocols are plain encoding/json (and encoding/xml) on structs that carry AWS's own field names, rather
// than the SDK's schemas run backwards: the structs are smaller than the adapter that trick needs, they do not
// depend on protocol packages in a direction AWS does not document, and they are fast.
package sandbox
