//go:build race

package demo

// raced says that the race detector watches, which makes a play several times as long. It looks for races, and a
// scenario's first trouble has as many of them as all of it.
const raced = true
