// Package cli is the command line: one file per command, each with its options, their check, and what it does.
//
// It is a contract (docs/json.md): stdout is the answer, stderr the rest; exit codes are those of this package;
// JSON fields are only ever added. What it is not: it takes no decision (package failover does) and calls no AWS
// operation itself (the adapters do).
package cli
