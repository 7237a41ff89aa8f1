// Package replay drives the model of ECS (package ecsim) through a capacity trace (package trace) in virtual time, under a policy, and
// measures what it cost and what fell short.
//
// The product's own policies are decided by the production code: every pass builds an observation from the model and calls
// [failover.Step]. There is no second implementation of the control law here. The rivals (the article's rule, SpotHedge, ...) are
// written out in this package so that they are measured in the same world in the same run.
//
// A run is a pure function of its [Run]: it reads no clock, does no I/O and starts no goroutine; the same Run gives the same Result.
package replay
