package failover

// poolsFew is how many pools nearly every workload has at most.
const poolsFew = 4

// Room is the place for what a pass works out of its pools. It is made at once: a decision that asked for every piece by itself would
// spend more on memory than on deciding. A caller that takes millions of decisions may use one again and again ([StepIn]). It is not
// safe for concurrent use. The zero value is ready.
type Room struct {
	tallies  [poolsFew]Tally
	known    [poolsFew]Known
	breakers [poolsFew]Breaker
	needs    [poolsFew]Need
	targets  [poolsFew]Target
	may      [2 * poolsFew]May
	fails    [poolsFew]*Failing
	asked    [poolsFew]*Asked
	parked   [poolsFew]*Scaling
	ints     [5 * poolsFew]int
	bools    [poolsFew]bool
	reasons  [poolsFew]Reason
	used     int // of ints

	facts     index // of all evidence
	noticed   index // of the tasks under interruption notice
	cascading cascadeInput
	before    State
	goal      Goal
	switched  switched
	cascaded  cascaded
	planned   planned

	// results are of the last two passes: what goes out is made by itself, so that a state that is kept keeps no room.
	results [2]*result
	turn    int
}

// result is the place for what leaves a pass.
type result struct {
	pools    [poolsFew]PoolState
	seen     [poolsFew]PoolSeen
	decision [poolsFew]PoolDecision
}

// next returns the place for the outcome of a pass: that of the pass before the last one.
func (r *Room) next() *result {
	r.turn = 1 - r.turn
	if r.results[r.turn] == nil {
		r.results[r.turn] = new(result)
	}
	return r.results[r.turn]
}

// of returns n zero values of a room, or new ones where it is too small.
func of[T any](few []T, n int) []T {
	if n > len(few) {
		return make([]T, n)
	}
	clear(few[:n])
	return few[:n:n]
}

// numbers returns n numbers that nothing else uses.
func (r *Room) numbers(n int) []int {
	if r.used+n > len(r.ints) {
		return make([]int, n)
	}
	r.used += n
	return of(r.ints[r.used-n:r.used], n)
}
