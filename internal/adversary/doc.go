// Package adversary runs the whole controller in a world where everything that can go wrong does: several
// writers (the real control.Loop), the world of ecsim, a store, a queue, operators and outsiders, in one
// process and one clock of a testing/synctest bubble, reproducible from a seed.
//
// Every run draws which troubles it has and how often (swarm testing), has a time of trouble in which the
// promises of docs/guarantees.md are checked after every step, and a time of calm in which the workload must
// come back to the cheapest state that holds the demand.
//
// What it is not: it holds no model of AWS of its own (package ecsim is the only one), and nothing of it is
// part of the program.
package adversary
