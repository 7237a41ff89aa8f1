// Package journal is the record of what was seen, decided and done: one entry for every decision that
// changed something, every outcome, every operator's intent and every notice.
//
// Status, history, explain, cost, the dashboard and tests read it, and nothing else that is kept; so its
// JSON form is versioned from the first day and held by golden files. Fields are added, never renamed.
//
// It is pure. What it is not: it stores nothing (package state/... does), it takes no decision, and an
// entry is never read back to take one.
package journal
