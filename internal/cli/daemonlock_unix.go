//go:build unix

package cli

import (
	"os"
	"syscall"
	"time"
)

// holdLock takes a share of a file's lock until release is called or the process ends, however it ends, and says
// whether others have one. Where files cannot be locked none have.
func holdLock(path string) (others bool, release func()) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, func() {}
	}
	fd := int(f.Fd())
	others = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK
	takeShare(func() error { return syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB) })
	return others, func() { _ = f.Close() }
}

// sharePause is how long another daemon may take that starts at the same moment, and has the lock for itself meanwhile.
const sharePause = 50 * time.Millisecond

// takeShare tries once more when the first try fails. The start does not wait for longer: a process that has the lock for itself
// then is no daemon.
func takeShare(try func() error) {
	if try() != nil {
		<-time.After(sharePause)
		_ = try()
	}
}
