// Package simulate plans and runs simulations: traces times policies times seeds, on every core, and joins their results.
//
// It opens files and starts goroutines; what a run does is package replay's business and how results look package report's.
package simulate
