// Package doctor checks everything that would make a failover fail, before it is needed: credentials and
// permissions, the services and their twins, quotas, auto scaling, events, the state and the clock.
//
// It looks first (facts.go, look.go) and judges afterwards (the check_ files): every check is a function of the
// facts. A check whose facts could not be had, or which another problem explains, is skipped and says why, so that a
// cause is not hidden among its symptoms.
//
// It reads and changes nothing, but for [Apply], which makes the changes that are safe when they are asked for. What it is not: part
// of the daemon. Nothing here decides, and the daemon does not call it.
package doctor
