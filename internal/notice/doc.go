// Package notice tells people what a pass did and found: it gives every notice a declared kind, says each trouble
// once, again after a while when it lasts, and once more when it is over, and sees to it that what has to be told
// reaches every receiver at least once.
//
// What has to be told is stored before it is sent: what changed is a journal entry written in the commit itself, and
// what lasts is found again by every pass. From both a [Book] is kept per workload, beside the record: who has been
// told what, and what is still to be sent. A process that dies between commit and send leaves a journal entry that
// no book knows, and the next pass of the workload, in whichever process, finds it.
//
// It is never in the way of a pass: [Desk.Tell] only takes the report down, and what a receiver answers, or that it
// answers nothing, changes nothing but the book. It takes no decision, and it is no chat: receivers cannot answer.
package notice
