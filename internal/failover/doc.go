// Package failover is the decision core: from a policy, the state kept from the last pass and one
// observation of the world it decides what every pool must be asked for, and says why.
//
// It is pure. It reads no clock, does no I/O, draws no random number and writes no log: time comes in
// with the observation, randomness as a seed in the policy, and everything that happened goes out as a
// value. A test in this package keeps its imports so.
//
// What it is not: it knows no AWS API and no AWS type, it never waits, and it does not carry out what it
// decides. The order of effects is the caller's duty (see [Decide]).
package failover
