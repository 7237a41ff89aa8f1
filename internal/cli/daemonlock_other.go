//go:build !unix

package cli

// holdLock knows of no others: on Windows no lock is taken.
func holdLock(string) (others bool, release func()) { return false, func() {} }
