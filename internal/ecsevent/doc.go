// Package ecsevent turns what ECS says into evidence: the JSON of an EventBridge event, the stop of a listed
// task, or a line of a service's event list becomes a [failover.Signal] or its kind.
//
// It is the only place that knows AWS's strings for "Spot took the task", "there was no capacity", "the image
// is broken" and the like. Where AWS's documentation, its API model and what users captured disagree, every
// form is accepted. Unknown fields, types and names are no error: ECS adds some every year.
//
// What it is not: it does no I/O, reads no clock, does not remember what it has seen (duplicates come out as
// often as they go in, with the same ID, Task and Version), and does not decide whether a signal matters.
package ecsevent
