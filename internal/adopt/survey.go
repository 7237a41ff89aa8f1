package adopt

import (
	"cmp"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// State is how far a service is from being guarded. The order is that of the list.
type State string

const (
	// Ready services can be adopted, Advised ones too, but something should be done first.
	Ready   State = "ready"
	Advised State = "advised"
	// Paired services run on Spot and have a twin without tasks; Twin ones are such twins.
	Paired State = "paired"
	Twin   State = "twin"
	// Blocked services cannot be adopted as they are.
	Blocked State = "blocked"
)

var order = []State{Ready, Advised, Paired, Twin, Blocked}

// Capacities as the list names them.
const (
	OnSpot   = "Spot"
	OnDemand = "on-demand"
	Mixed    = "mixed"
)

const monthHours = 24 * 365.25 / 12

// Row is one service of the list.
type Row struct {
	Cluster  string `json:"cluster"`
	Service  string `json:"service"`
	Tasks    int    `json:"tasks"`
	Capacity string `json:"capacity"`
	// Saves is what Spot would save a month at today's number of tasks; nil where that is not known, for the reason in Unknown.
	Saves   *float64 `json:"saves_per_month_usd,omitempty"`
	Unknown string   `json:"saves_unknown,omitempty"`
	State   State    `json:"state"`
	// Twin is the on-demand twin that the service has, Of the service that a twin stands by for.
	Twin      string     `json:"twin,omitempty"`
	Of        string     `json:"twin_of,omitempty"`
	Obstacles []Obstacle `json:"obstacles"`
	Next      string     `json:"next,omitempty"`
}

// List is what could be adopted in a region, the services with the least in their way first.
type List struct {
	Region   string `json:"region"`
	Cluster  string `json:"cluster,omitempty"`
	Services []Row  `json:"services"`
	// Saves sums up what is known of the services that are not blocked.
	Saves  float64  `json:"saves_per_month_usd"`
	Prices string   `json:"prices"`
	Unread []string `json:"unread"`
}

// Survey looks at every service that was found.
func Survey(found *discover.Found, cluster string, prices cost.Table) List {
	v := newView(found, prices)
	l := List{Region: found.Region, Cluster: cluster, Services: []Row{}, Prices: "list prices of " + cost.TableDate, Unread: append([]string{}, found.Unread...)}
	for i := range found.Services {
		r := v.row(&found.Services[i])
		l.Services = append(l.Services, r)
		if r.State != Blocked && r.Saves != nil {
			l.Saves += *r.Saves
		}
	}
	slices.SortFunc(l.Services, func(a, b Row) int {
		saves := func(r *Row) float64 {
			if r.Saves == nil {
				return -1
			}
			return *r.Saves
		}
		return cmp.Or(slices.Index(order, a.State)-slices.Index(order, b.State), cmp.Compare(saves(&b), saves(&a)),
			strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Service, b.Service))
	})
	return l
}

// view is what was found, with what is calculated of all of it once.
type view struct {
	found    *discover.Found
	prices   cost.Table
	proposal discover.Proposal
	used     usage
}

func newView(found *discover.Found, prices cost.Table) view {
	return view{found, prices, discover.Propose(found.Services), usageOf(found)}
}

func (v *view) row(s *discover.Service) Row {
	r := Row{Cluster: s.Cluster, Service: s.Name, Tasks: s.Desired, Capacity: capacityOf(s)}
	if of := v.twinOf(s); of != "" {
		r.State, r.Of, r.Obstacles = Twin, of, []Obstacle{}
		return r
	}
	saves, err := v.saves(s)
	if err != nil {
		r.Unknown = err.Error()
	} else {
		r.Saves = &saves
	}
	r.Obstacles = v.obstacles(s, "")
	if pair := v.pairOf(s); pair != nil {
		r.State, r.Twin = Paired, pair.OnDemand.Name
	} else {
		r.State = Ready
	}
	switch worst := worstOf(r.Obstacles); {
	case worst == Blocks:
		r.State = Blocked
		return r
	case worst == Advice && r.State == Ready:
		r.State = Advised
	}
	r.Next = "backstop adopt " + wording.Shell(s.Name) + " --cluster " + wording.Shell(s.Cluster)
	return r
}

// pairOf is the pair whose Spot service is s.
func (v *view) pairOf(s *discover.Service) *discover.Pair {
	for i := range v.proposal.Pairs {
		if p := &v.proposal.Pairs[i]; p.Spot.Cluster == s.Cluster && p.Spot.Name == s.Name {
			return p
		}
	}
	return nil
}

// twinOf is the service that s stands by for.
func (v *view) twinOf(s *discover.Service) string {
	for i := range v.proposal.Pairs {
		if p := &v.proposal.Pairs[i]; p.OnDemand.Cluster == s.Cluster && p.OnDemand.Name == s.Name {
			return p.Spot.Name
		}
	}
	if !adopted(s) {
		return ""
	}
	if r, ok, err := readRecord(s.Live.Service.Tags); err == nil && ok && r.Of != "" {
		return r.Of
	}
	for i := range v.found.Services { // an adoption is under way: the twin runs cover
		if o := &v.found.Services[i]; o.Cluster == s.Cluster && discover.TwinName(o.Name) == s.Name {
			return o.Name
		}
	}
	return "an adopted service"
}

func capacityOf(s *discover.Service) string {
	switch s.Capacity {
	case failover.Spot:
		return OnSpot
	case failover.OnDemand:
		return OnDemand
	}
	return Mixed
}
