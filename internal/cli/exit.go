package cli

import (
	"errors"
	"fmt"
)

// Exit codes. They are part of the contract with scripts.
const (
	ExitDone      = 0 // done
	ExitFailed    = 1 // something went wrong while doing it
	ExitUsage     = 2 // the command line, a configuration or another input is wrong
	ExitUnhealthy = 3 // status: a workload is not as it should be; an order with --wait: not in effect in time
	ExitRefused   = 4 // a guard or a lock forbids it, or --yes is missing
)

// exitError is an error with the exit code it ends the process with. An empty text prints nothing.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

// Unwrap returns what went wrong.
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{ExitUsage, fmt.Errorf(format, args...)}
}

func refuse(format string, args ...any) error {
	return &exitError{ExitRefused, fmt.Errorf(format, args...)}
}

// quiet ends the process with a code after everything has been said.
type quiet int

func (q quiet) Error() string { return fmt.Sprintf("exit code %d", int(q)) }

// codeOf returns the exit code for an error.
func codeOf(err error) int {
	var e *exitError
	var q quiet
	var ran ranError
	var input interface{ BadInput() bool }
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &q):
		return int(q)
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &input) && input.BadInput():
		return ExitUsage
	case errors.As(err, &ran):
		return ExitFailed
	}
	return ExitUsage // it never came to running anything
}
