package control

import (
	"maps"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// compareTwins tells each pool in what it is not the same service as the first one that was read in its region and account. What was not
// read differs in nothing that is known.
func compareTwins(refs []ServiceRef, pools []failover.PoolObservation) {
	for k := range pools {
		first := 0
		for first < k && (refs[first].Region != refs[k].Region || refs[first].RoleARN != refs[k].RoleARN || pools[first].Form == nil) {
			first++
		}
		pools[k].Differs = ""
		if a, b := pools[first].Form, pools[k].Form; first < k && b != nil {
			pools[k].Differs = strings.Join(differing(a, b), ", ")
		}
	}
}

// differing are the fields of two forms that are not the same.
func differing(a, b map[string]string) []string {
	var out []string
	all := maps.Clone(a)
	maps.Copy(all, b)
	for field := range all {
		if a[field] != b[field] {
			out = append(out, field)
		}
	}
	slices.Sort(out)
	return out
}
