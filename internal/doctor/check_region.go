package doctor

import (
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// checkRegionLoss looks whether a workload that is in several regions outlives the loss of its owner's.
func checkRegionLoss(x *exam) verdict {
	home := x.w.Refs[ownerOf(x.w)].Region
	regions, cover := []string{home}, false
	for k, ref := range x.w.Refs {
		if !slices.Contains(regions, ref.Region) {
			regions = append(regions, ref.Region)
		}
		cover = cover || ref.Region != home && x.w.Policy.Pools[k].Capacity == failover.OnDemand
	}
	const page = "   # docs/adr/0008-what-cannot-be-read.md"
	switch {
	case len(regions) == 1:
		return okay("all pools are in %s, and are lost with it", home)
	case x.w.Policy.WriteOffAfter == 0:
		return bad(Warn, "policy: {preset: "+x.w.Policy.Preset+", write_off_after: 10m}"+page,
			"the pools are in %s, and write_off_after is 0: when a region gives no answer the others do not take over", strings.Join(regions, " and "))
	case !cover:
		return bad(Warn, "add a pool with capacity: FARGATE in another region than "+home+page,
			"no on-demand pool is outside of %s: what Spot cannot hold elsewhere is missing when it is lost", home)
	}
	return okay("the pools outside of %s take over when it has given no answer for %s", home, x.w.Policy.WriteOffAfter)
}
