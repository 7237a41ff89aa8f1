// Package twin is the one description of "the same service on other capacity": which fields of a service its on-demand twin copies, what is
// compared, what makes a twin impossible, and what does not matter.
//
// The decision is one table a type of AWS's SDK (fields.go), and a census test holds it to the SDK: a field that AWS adds fails the build
// until a person has decided about it. The package makes values and calls nothing.
package twin
