// Package control is the pass: load, observe, decide, commit, act, record, tell, acknowledge. It decides
// when a workload is looked at, in which order effects happen, and what a failure of any of them means.
//
// What it is not: it knows no AWS type and takes no decision. What is seen comes from [Services], what is
// wanted from package failover, what is kept goes to a [Store]; it owns these interfaces because it is
// their only user.
package control
