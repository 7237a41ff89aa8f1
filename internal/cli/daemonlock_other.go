//go:build !unix || solaris || aix

package cli

// holdLock knows of no others where files have no locks that end with a process.
func holdLock(string) (others bool, release func()) { return false, func() {} }
