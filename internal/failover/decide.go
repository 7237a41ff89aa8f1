package failover

// Decide takes what the operator wants, what was kept from the last pass and what is seen now, and returns
// what to keep and what to do.
//
// The caller owes it this order: store the returned state, conditional on the generation it was loaded
// with, BEFORE any action is carried out; carry out Decision.Actions in their order; acknowledge the
// messages that led here last. Any of these may be repeated or lost: the next pass heals it.
func Decide(p Policy, s State, o Observation) (State, Decision) {
	return s, Decision{}
}
