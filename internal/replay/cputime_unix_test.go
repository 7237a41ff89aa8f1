//go:build unix

package replay

import (
	"syscall"
	"time"
)

// cpuTime is the user CPU time of this process: on a shared machine it tells more than a clock does.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano())
}
