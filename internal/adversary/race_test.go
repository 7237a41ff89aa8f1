//go:build race

package adversary

// slower is by how many times fewer seeds run under the race detector, which makes a run that much slower.
const slower = 25
