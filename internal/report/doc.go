// Package report turns the results of simulations into a table, JSON, CSV and a page of HTML that needs no network.
//
// It is pure: it writes to an io.Writer it is given. It computes nothing about a policy but means and intervals over seeds.
package report
