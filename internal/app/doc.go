// Package app is the wiring: it makes a [control.Loop] over the real adapters from a configuration, runs it,
// and writes a log line for every decision. The commands, the demo and tests use it, so that all of them run
// the same thing.
//
// It takes no decision, parses no flag and knows no terminal. It is the one place that sees configuration,
// control, the adapters and the store at once.
package app
