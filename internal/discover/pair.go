package discover

import (
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Pair is a service on Fargate Spot and its on-demand twin.
type Pair struct {
	// Name is what the workload may be called.
	Name           string
	Spot, OnDemand Service
	// Why says what the pairing rests on.
	Why string
}

// Proposal is what the services of a region come to.
type Proposal struct {
	Pairs []Pair
	// Alone are services on Fargate Spot without a twin, Mixed those whose strategy mixes both kinds of capacity.
	Alone, Mixed []Service
	// Busy are pairs by name whose on-demand service runs tasks of its own: it is no standby, and is not paired.
	Busy []Pair
}

// Suffixes by which names of twins differ.
var (
	spotSuffixes     = []string{"-spot", "_spot"}
	onDemandSuffixes = []string{"-standard", "-ondemand", "-on-demand", "-od", "-fallback", "-standby", "_standard", "_ondemand"}
)

// stem returns a name without the first suffix that it ends in.
func stem(name string, suffixes []string) string {
	for _, s := range suffixes {
		if rest, ok := strings.CutSuffix(strings.ToLower(name), s); ok && rest != "" {
			return name[:len(rest)]
		}
	}
	return name
}

// Propose pairs services of one cluster. A name that differs only in its suffix goes first, and among those an equal
// task definition family; a family that one service alone shares with it, and that has no tasks, comes second.
func Propose(services []Service) Proposal {
	var p Proposal
	taken := map[string]bool{}
	names := map[string]int{}
	for i := range services {
		s := &services[i]
		switch s.Capacity {
		case "":
			p.Mixed = append(p.Mixed, *s)
			continue
		case failover.OnDemand:
			continue
		}
		twin, why := twinOf(s, services, taken)
		if twin == nil {
			p.Alone = append(p.Alone, *s)
			continue
		}
		if twin.Desired > 0 { // what it runs would be taken for cover, and given back
			p.Alone, p.Busy = append(p.Alone, *s), append(p.Busy, Pair{stem(s.Name, spotSuffixes), *s, *twin, why})
			continue
		}
		taken[twin.Cluster+"/"+twin.Name] = true
		name := stem(s.Name, spotSuffixes)
		names[name]++
		p.Pairs = append(p.Pairs, Pair{name, *s, *twin, why})
	}
	for i := range p.Pairs { // the same name in two clusters
		if names[p.Pairs[i].Name] > 1 {
			p.Pairs[i].Name = p.Pairs[i].Spot.Cluster + "-" + p.Pairs[i].Name
		}
	}
	return p
}

func twinOf(s *Service, services []Service, taken map[string]bool) (*Service, string) {
	base := stem(s.Name, spotSuffixes)
	var byName, byFamily []*Service
	for i := range services {
		c := &services[i]
		if c.Capacity != failover.OnDemand || c.Cluster != s.Cluster || taken[c.Cluster+"/"+c.Name] {
			continue
		}
		if strings.EqualFold(stem(c.Name, onDemandSuffixes), base) && c.Name != s.Name {
			byName = append(byName, c)
		} else if c.Family == s.Family && c.Desired == 0 {
			byFamily = append(byFamily, c)
		}
	}
	if i := slices.IndexFunc(byName, func(c *Service) bool { return c.Family == s.Family }); i >= 0 {
		return byName[i], "by name and task definition family " + s.Family
	}
	if len(byName) == 1 {
		return byName[0], "by name; the task definition families differ: " + s.Family + " and " + byName[0].Family
	}
	if len(byFamily) == 1 {
		return byFamily[0], "by task definition family " + s.Family
	}
	return nil, ""
}

// WorkloadOf proposes a name for the workload of a service.
func WorkloadOf(service string) string { return workloadName(stem(service, spotSuffixes)) }
