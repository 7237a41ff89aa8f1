// Package sqlite keeps state and journal in one SQLite file, for a daemon on one machine. Several processes
// may share the file (the daemon and the commands of an operator); the lease and the generation keep one
// writer per workload.
//
// What it is not: it is no store for several machines, as SQLite's write-ahead log does not work over network
// file systems, and nothing else of the program may open the file.
package sqlite
