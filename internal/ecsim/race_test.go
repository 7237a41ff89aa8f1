//go:build race

package ecsim_test

// raced says that the race detector watches. A world is one goroutine's, so more of them show it nothing more.
const raced = true
