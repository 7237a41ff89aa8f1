// Package health judges: how a workload is, what is wrong with it and what a person can do, and whether anything guards it. Every
// surface (status, top, pages, /readyz, doctor, notices) shows its verdicts and has none of its own.
//
// It is pure: times are arguments, and it has no I/O.
package health
