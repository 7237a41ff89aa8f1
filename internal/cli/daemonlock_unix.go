//go:build unix && !solaris && !aix

package cli

import (
	"os"
	"syscall"
)

// holdLock takes a share of a file's lock until release is called or the process ends, however it ends, and says
// whether others have one. Where files cannot be locked nobody has.
func holdLock(path string) (others bool, release func()) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, func() {}
	}
	fd := int(f.Fd())
	others = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK
	_ = syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB) // fails only while another one starts this very moment
	return others, func() { _ = f.Close() }
}
