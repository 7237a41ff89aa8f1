// Package racetest says whether the race detector watches. Tests of code that is one goroutine's run less under it, as it shows them
// nothing and takes several times as long. It is imported by tests alone.
package racetest
