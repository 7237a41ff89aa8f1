// Package state keeps records and the journal in one DynamoDB table. It is a [control.Store]: the pass relies
// on nothing but its conditional writes for there being one writer per workload.
//
// The table has the string keys pk (the workload) and sk:
//
//	state                  the record: generation, lease and state; it never expires
//	notices                what receivers of notices have been told; it never expires
//	journal#<time>#<id>    entries of the journal, in the order of time; expires_at is the table's TTL attribute
//
// A commit is one transaction of two items, the record and the row of its journal entries, conditional on the
// record's generation and lease. Either both are there afterwards or neither, so that state and journal cannot
// tell different stories after a crash.
//
// No key is hot. DynamoDB serves 1,000 writes and 3,000 reads a second per partition key. A design that gives every
// event, task or metric of a busy hour a row under one key (a date, a status, the service) meets that limit
// just when capacity is short. Here a workload has its own key; a burst of events becomes one pass and so one commit
// of a few KB; a lease lets one pass at a time commit; and losers of a race are refused by the condition and
// do not try again by themselves. A workload whose every second brought a pass would use some ten write units a
// second.
//
// It takes no decision, and it is no cache: records are read strongly consistent at every load.
package state
