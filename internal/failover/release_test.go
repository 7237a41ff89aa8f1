package failover

import (
	"fmt"
	"math/bits"
	"testing"
)

// releasePool is a pool of which serving tasks are in service, and others ECS could stop instead.
func releasePool(serving, others int) Known {
	return Known{InService: Exactly(serving), Running: serving, Placed: others, Live: serving + others, InForce: Exactly(serving + others)}
}

func releaseOf(kept int, known ...Known) releaseInput {
	p := stagePolicy()
	return releaseInput{p: &p, known: known, pools: make([]PoolObservation, len(known)), kept: kept}
}

// leastLeft is what stays in service of a pool that is lowered to w, in the worst of all choices that ECS has: the tasks are numbered,
// the first ones serve, and every set of the size that must go is tried.
func leastLeft(serving, live, w int) int {
	stop := live - w
	if stop <= 0 {
		return serving
	}
	least := serving
	for set := range uint(1) << live {
		if bits.OnesCount(set) != stop {
			continue
		}
		least = min(least, serving-bits.OnesCount(set&(1<<serving-1)))
	}
	return least
}

// TestNoChoiceOfECSTakesWhatIsKept tries every small situation of two pools against every choice that ECS has: what is kept stays in
// service, and a count that is one lower would not keep it.
func TestNoChoiceOfECSTakesWhatIsKept(t *testing.T) {
	may := []May{{Lower: true}, {Lower: true}}
	tried, lowered := 0, 0
	for n := range 4 * 3 * 5 * 3 * 8 {
		spot, spotOther := n%4, n/4%3
		serving, other := n/12%5, n/60%3
		kept := n / 180 % 8
		in := releaseOf(kept, releasePool(spot, spotOther), releasePool(serving, other))
		live := []int{spot + spotOther, serving + other}
		for _, low := range [][]int{{live[0], 0}, {0, 0}} {
			tried++
			got := in.lowered(make([]int, 2), low, may, make([]Target, 2))
			at := fmt.Sprintf("spot %d+%d, standard %d+%d, kept %d, low %v: %v", spot, spotOther, serving, other, kept, low, got)
			left := leastLeft(spot, live[0], got[0]) + leastLeft(serving, live[1], got[1])
			threatened := left < spot+serving
			if threatened && left < kept {
				t.Fatalf("%s may leave %d", at, left)
			}
			if got[0] < live[0] || got[1] < live[1] {
				lowered++
			}
			if got[1] > low[1] && spot+serving >= kept { // standard is lowered first, to the smallest count that is safe
				if spot+leastLeft(serving, live[1], got[1]-1) >= kept {
					t.Fatalf("%s, but standard could go to %d", at, got[1]-1)
				}
			}
		}
	}
	if lowered < tried/4 {
		t.Errorf("of %d situations %d were lowered: the test has lost its teeth", tried, lowered)
	}
}

func TestRelease(t *testing.T) {
	lower := []May{{Lower: true}, {Lower: true}}
	for _, c := range []struct {
		situation string
		in        releaseInput
		edit      func(*releaseInput)
		may       []May
		targets   []Target
		want      int // of standard
	}{
		{"Spot serves all: cover goes", releaseOf(20, releasePool(20, 0), releasePool(20, 0)), nil, lower, nil, 0},
		{"Spot serves 12 of 20: 8 stay", releaseOf(20, releasePool(12, 8), releasePool(20, 0)), nil, lower, nil, 8},
		{"surplus that still starts keeps ECS from being trusted: it may stop those that serve", releaseOf(20, releasePool(0, 20), releasePool(20, 7)), nil, lower, nil, 27},
		{"once it serves, it goes", releaseOf(20, releasePool(0, 20), releasePool(27, 0)), nil, lower, nil, 20},
		{"what is missing keeps everything", releaseOf(20, releasePool(5, 15), releasePool(8, 4)), nil, lower, nil, 12},
		{"without leave nothing goes", releaseOf(20, releasePool(20, 0), releasePool(20, 0)), nil, []May{{Lower: true}, {}}, nil, 20},
		{"a pin or a budget goes below what is needed", releaseOf(20, releasePool(0, 20), releasePool(20, 0)), nil, []May{{Lower: true}, {Lower: true, Unsafe: true}}, nil, 0},
		{"a scale-in under way may take serving tasks yet", releaseOf(20, releasePool(20, 0), releasePool(10, 0)),
			func(in *releaseInput) { in.known[0].InForce, in.known[0].Live = Exactly(15), 20 }, lower, nil, 5},
		{"so may a deployment, as far as it is allowed", releaseOf(20, releasePool(20, 0), releasePool(10, 0)),
			func(in *releaseInput) { in.pools[0].Deploying, in.pools[0].MayTake = true, 0.5 }, lower, nil, 10},
		{"a pool that is not read serves nothing for certain", releaseOf(20, releasePool(20, 0), releasePool(20, 0)),
			func(in *releaseInput) { in.known[0].Sight = Told }, lower, nil, 20},
		{"readiness that is not read serves nothing for certain", releaseOf(20, releasePool(20, 0), releasePool(20, 0)),
			func(in *releaseInput) { in.known[0].InService = Range{0, 20} }, lower, nil, 20},
		{"cover that is needed stays though the pool before it serves: it is being evacuated", releaseOf(20, releasePool(20, 0), releasePool(20, 0)), nil, lower, []Target{{}, {Need: 20}}, 20},
		{"cover that fails and serves nothing goes to its one try", releaseOf(20, releasePool(0, 20), releasePool(0, 27)), nil, lower, []Target{{}, {Need: 20, Failing: true}}, 1},
		{"what could not be placed in an impaired pool is in nobody's way", releaseOf(20, releasePool(0, 20), Known{InService: Exactly(4), Running: 4, Live: 4, InForce: Exactly(27)}), nil, lower,
			[]Target{{}, {Need: 20, Impaired: true}}, 4},
		{"cover on its way goes when its tasks are placed on Spot, with time to spare", releaseOf(20, releasePool(14, 6), releasePool(0, 9)), nil, lower, []Target{{}, {Proven: true}}, 0},
	} {
		t.Run(c.situation, func(t *testing.T) {
			if c.edit != nil {
				c.edit(&c.in)
			}
			targets := c.targets
			if targets == nil {
				targets = make([]Target, 2)
			}
			low := []int{c.in.known[0].InForce.High, 0}
			if targets[1].Failing {
				low[1] = 1
			}
			equal(t, "the count of standard", c.in.lowered(make([]int, 2), low, c.may, targets)[1], c.want)
		})
	}
}
