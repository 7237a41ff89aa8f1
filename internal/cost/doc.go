// Package cost says what tasks cost and what Spot saved: prices with their date, what the journal's record of
// running tasks adds up to, what it would have cost on demand, and what a Savings Plan would change.
//
// It is pure: prices and entries come in, figures go out. What it is not: a bill. Every figure is an estimate
// from observed counts and a dated price list; the bill is in the Cost and Usage Report.
package cost
