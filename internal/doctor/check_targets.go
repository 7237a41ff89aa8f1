package doctor

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// targetLimit is one of Elastic Load Balancing's limits on registered targets, by its name in DescribeAccountLimits and its code in Service Quotas.
type targetLimit struct {
	name, code, of string
}

var (
	perGroup    = targetLimit{"targets-per-target-group", "L-A0D0B863", "a target group"}
	perALB      = targetLimit{"targets-per-application-load-balancer", "L-7E6692B2", "an Application Load Balancer"}
	perNLB      = targetLimit{"targets-per-network-load-balancer", "L-EEF1AD04", "a Network Load Balancer"}
	perZoneOfLB = targetLimit{"targets-per-availability-zone-per-network-load-balancer", "L-B211E961", "a zone of a Network Load Balancer"}
)

// load is how many targets the workloads here may register at a time somewhere.
type load struct {
	limit   targetLimit
	where   string // the name of the group or balancer
	targets int
}

// checkTargetLimits looks whether target groups and load balancers take Spot and cover at their highest: all of Spot is back, and nothing is given back yet.
func checkTargetLimits(x *exam) verdict {
	loads, unknown := x.loads()
	limits := x.f.limits[x.place()]
	if len(loads) == 0 {
		if len(unknown) > 0 {
			return skip("the demand is not known for %s", strings.Join(unknown, ", "))
		}
		return okay("no pool here has a target group")
	}
	var tightest load
	share := -1.0
	var unlisted []string
	for _, l := range loads {
		limit, known := limits[l.limit.name]
		switch {
		case !known || limit <= 0:
			unlisted = append(unlisted, l.limit.name)
		case float64(l.targets)/limit > share:
			tightest, share = l, float64(l.targets)/limit
		}
	}
	if share < 0 {
		return skip("Elastic Load Balancing does not list %s here", wording.Some(unlisted))
	}
	limit := limits[tightest.limit.name]
	fix := fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code elasticloadbalancing --quota-code %s --desired-value %.0f --region %s   # or spread the workload over services with target groups of their own",
		tightest.limit.code, math.Ceil(float64(tightest.targets)*1.5), x.s.Region)
	text := fmt.Sprintf("Spot and cover side by side may be %s in %s; the limit of %s is %.0f", wording.Count(tightest.targets, "target"), tightest.where, tightest.limit.of, limit)
	switch {
	case share > 1:
		return bad(Fail, fix, "%s: tasks beyond it get no traffic", text)
	case share > 0.8:
		return bad(Warn, fix, "%s; a deployment, and whatever else is registered there, needs room in it too", text)
	case len(unknown) > 0:
		return okay("%s; the demand is not known for %s", text, strings.Join(unknown, ", "))
	}
	return okay("%s", text)
}

// loads sums up, by target group and by load balancer, what the workloads may register in this place, in the order of their names; unknown are the workloads
// whose demand is not known.
func (x *exam) loads() (all []load, unknown []string) {
	groups, zones, used := map[string]int{}, map[string]int{}, map[string][]string{}
	for i := range x.f.workloads {
		w := &x.f.workloads[i]
		most := map[string][2]int{} // Spot and cover of this workload, by group
		for k := range w.Refs {
			p := x.f.pools[subjectOf(w, k)]
			if p == nil || (place{w.Refs[k].Region, w.Refs[k].RoleARN}) != x.place() {
				continue
			}
			cover, covers := x.f.cover(w, k)
			asked, _ := x.f.ask(w, k)
			for _, arn := range groupsOf(p) {
				m := most[arn]
				if covers { // pools of one workload share what is missing, and what is wanted
					m[1] = max(m[1], cover)
				} else {
					m[0] = max(m[0], asked)
				}
				most[arn] = m
				zones[arn] = max(zones[arn], zonesOf(p))
				used[arn] = p.balancers[arn]
			}
		}
		if _, known := x.f.demand(w); !known && len(most) > 0 {
			unknown = append(unknown, w.Name)
			continue
		}
		for arn, m := range most {
			groups[arn] += m[0] + m[1]
		}
	}
	balancers, least := map[string]int{}, map[string]int{}
	for _, arn := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, load{perGroup, resourceName(arn), groups[arn]})
		for _, lb := range used[arn] {
			balancers[lb] += groups[arn]
			if least[lb] == 0 || zones[arn] < least[lb] {
				least[lb] = zones[arn]
			}
		}
	}
	for _, lb := range slices.Sorted(maps.Keys(balancers)) {
		switch n, name := balancers[lb], resourceName(lb); {
		case strings.Contains(lb, ":loadbalancer/app/"):
			all = append(all, load{perALB, name, n})
		case strings.Contains(lb, ":loadbalancer/net/"):
			all = append(all, load{perNLB, name, n})
			if least[lb] > 0 {
				all = append(all, load{perZoneOfLB, name, (n + least[lb] - 1) / least[lb]})
			}
		}
	}
	return all, unknown
}

// zonesOf is in how many zones a service's tasks may run; 0: not known.
func zonesOf(p *poolFacts) int {
	zones := map[string]bool{}
	for _, s := range p.subnets {
		zones[s.zone] = true
	}
	return len(zones)
}

// resourceName is the name in the ARN of a target group or load balancer, whose last part is an identity.
func resourceName(arn string) string {
	parts := strings.Split(arn, "/")
	if len(parts) < 2 {
		return arn
	}
	return parts[len(parts)-2]
}
