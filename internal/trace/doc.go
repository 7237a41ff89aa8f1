// Package trace holds capacity traces: how many tasks each pool and availability zone could hold, and how many were wanted, over
// time. It reads and writes their CSV form (docs/traces.md) and generates the built-in ones from a seed.
//
// It is pure: it reads from an io.Reader it is given and opens nothing. It knows no policy and no price, and it does not simulate:
// package replay does.
package trace
