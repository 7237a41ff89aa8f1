//go:build !race

package sandbox_test

// raced says that the race detector watches, which makes a run several times slower.
const raced = false
