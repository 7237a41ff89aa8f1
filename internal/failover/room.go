package failover

// poolsFew is how many pools nearly every workload has at most.
const poolsFew = 4

// Room is the place for what a pass works out of its pools. It is made at once: a decision that asked for every piece by itself would
// spend more on memory than on deciding. Nothing of it is left in a state or a decision, so a caller that takes millions of decisions
// may use one again and again ([StepIn]). It is not safe for concurrent use. The zero value is ready.
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
}

// of returns n values of a room, or new ones where it is too small.
func of[T any](few []T, n int) []T {
	if n <= len(few) {
		return few[:n:n]
	}
	return make([]T, n)
}

// numbers returns n numbers that nothing else uses.
func (r *Room) numbers(n int) []int {
	if r.used+n > len(r.ints) {
		return make([]int, n)
	}
	r.used += n
	return r.ints[r.used-n : r.used : r.used]
}
