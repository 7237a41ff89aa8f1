package failover

import (
	"fmt"
	"testing"
)

// TestIndexFindsWhatIsInTheWindow: an index finds every entry by its ID or its ARN and nothing else, however many they are, and forgets
// them when it is used again.
func TestIndexFindsWhatIsInTheWindow(t *testing.T) {
	var x index
	for _, n := range []int{0, 1, 33, EvidenceMax, 2} {
		window := make([]Evidence, n)
		for i := range window {
			window[i] = Evidence{Kind: SignalInterruption, Pool: "spot", ID: fmt.Sprintf("%032x", i*i)}
		}
		x.over(window, n)
		for i := range window {
			x.add(i)
		}
		for i := range window {
			id := window[i].ID
			if x.find(id, "", "") != i || x.find("arn:aws:ecs:us-east-1:1:task/prod/"+id, "", "") != i || x.find(id, SignalInterruption, "spot") != i {
				t.Fatalf("of %d entries number %d is not found", n, i)
			}
			if x.find(id, SignalQuota, "spot") >= 0 || x.find(id, SignalInterruption, "standard") >= 0 {
				t.Fatalf("of %d entries number %d is found as another fact", n, i)
			}
		}
		for i := range 2 * EvidenceMax {
			if id := fmt.Sprintf("%031x-", i); x.find(id, "", "") >= 0 {
				t.Fatalf("of %d entries %s is found", n, id)
			}
		}
		for i := n; i < EvidenceMax; i++ {
			if x.find(fmt.Sprintf("%032x", i*i), "", "") >= 0 {
				t.Fatalf("of %d entries number %d of an earlier window is found", n, i)
			}
		}
	}
}
