package cli

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// interruptible returns a context that ends at the first signal that asks for the end. What does not end then is killed by
// a second Ctrl-C, and by nothing else: the grace of a daemon is not cut short when a terminal goes and a service manager asks.
func interruptible(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	got, over := make(chan os.Signal, 1), make(chan struct{})
	var asked atomic.Bool
	signal.Notify(got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for {
			select {
			case s := <-got:
				if s == os.Interrupt {
					signal.Reset(os.Interrupt) // before anybody knows of the first one
				}
				asked.Store(true)
				cancel()
			case <-over:
				return
			}
		}
	}()
	return ctx, func() {
		if !asked.Load() { // else a second one that comes in its last moment would kill what has ended well
			signal.Stop(got)
		}
		close(over)
		cancel()
	}
}
