// Package breaker is the full fail-over of the preset `switch`: a circuit breaker for one Spot pool. It says when a pool is
// given up (thresholds), what it is asked for meanwhile (a probe), when it has proven itself (a window of stability) and how
// it is returned to (a ramp).
//
// It is pure: a function of parameters, the state kept from the last pass and the facts of this one. It knows no task, no
// pool and no policy beyond those, and it decides nothing about on-demand: package failover covers whatever the pool is not
// asked for, and takes the pool down no faster than its cover comes into service.
package breaker
