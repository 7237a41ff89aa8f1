package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Turn says what happens to a service when it is its turn.
type Turn string

const (
	// ToAdopt services have their whole plan ahead, ToGoOn an adoption that has begun, ToGuard nothing but the configuration.
	ToAdopt Turn = "adopt"
	ToGoOn  Turn = "go on"
	ToGuard Turn = "guard"
	// ToUndo services were adopted, in whole or in part.
	ToUndo Turn = "undo"
)

// Member is one service of a fleet.
type Member struct {
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	Twin    string `json:"twin"`
	Turn    Turn   `json:"turn"`
	Now     Counts `json:"now"`
	Then    Counts `json:"then"`
	// Cover is how many tasks run in its twin while it is its turn.
	Cover int `json:"cover"`
	// USDPerHour and USDPerHourThen are what its tasks cost for an hour now and afterwards; nil where that is not known.
	USDPerHour     *float64 `json:"usd_per_hour,omitempty"`
	USDPerHourThen *float64 `json:"usd_per_hour_then,omitempty"`
}

// Left is a service that a fleet leaves as it is.
type Left struct {
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	// Why is the reason, Fix what takes it out of the way.
	Why string `json:"why"`
	Fix string `json:"fix"`
}

// Fleet is what becomes of all services of a region or cluster, one after another in this order.
type Fleet struct {
	Region   string   `json:"region"`
	Cluster  string   `json:"cluster,omitempty"`
	Services []Member `json:"services"`
	Skipped  []Left   `json:"skipped"`
	Now      Counts   `json:"now"`
	Then     Counts   `json:"then"`
	// Cover is the most tasks that run in a twin at a time, as the services take turns.
	Cover int `json:"cover"`
	// USDPerHour and USDPerHourThen sum up what is known, and Unpriced counts the services of which it is not.
	USDPerHour     float64  `json:"usd_per_hour"`
	USDPerHourThen float64  `json:"usd_per_hour_then"`
	Unpriced       int      `json:"unpriced"`
	Prices         string   `json:"prices"`
	Unread         []string `json:"unread"`
}

// FleetOf plans for every service of what was found: its adoption, or with back the undo. A service that cannot be adopted is skipped with
// the reason; what the ones before it take of the quotas is not there for the later ones.
func FleetOf(found *discover.Found, cluster string, prices cost.Table, back bool) Fleet {
	v := newView(found, prices)
	f := Fleet{Region: found.Region, Cluster: cluster, Services: []Member{}, Skipped: []Left{}, Prices: "list prices of " + cost.TableDate, Unread: append([]string{}, found.Unread...)}
	for i := range found.Services {
		s := &found.Services[i]
		if v.twinOf(s) != "" {
			if back && v.stray(s) {
				f.Skipped = append(f.Skipped, Left{s.Cluster, s.Name, "it is the twin of an adopted service, and its name does not say of which", "backstop adopt SERVICE --undo --twin-name " + wording.Shell(s.Name)})
			}
			continue
		}
		m, why := v.member(s, back)
		switch {
		case why != nil:
			f.Skipped = append(f.Skipped, Left{s.Cluster, s.Name, why.What, why.Fix})
		case m != nil:
			f.add(m)
		}
	}
	return f
}

// stray reports whether a service is the twin of an adoption whose service cannot be told.
func (v *view) stray(s *discover.Service) bool {
	return adopted(s) && !slices.ContainsFunc(v.found.Services, func(o discover.Service) bool { return o.Cluster == s.Cluster && v.twinName(&o, "") == s.Name })
}

// member is a service's place in the fleet; nil where nothing is to be done, with the reason where something is in the way.
func (v *view) member(s *discover.Service, back bool) (*Member, *Obstacle) {
	name := v.twinName(s, "")
	other := v.find(s.Cluster, name)
	begun := other != nil && adopted(other)
	m := &Member{Cluster: s.Cluster, Service: s.Name, Twin: name, Cover: s.Desired}
	switch {
	case back && !begun:
		return nil, nil
	case back:
		m.Turn = ToUndo
		r, _, err := readRecord(other.Live.Service.Tags)
		if err != nil {
			return nil, &Obstacle{Blocks, "no record", err.Error(), "correct the tag " + TagKey + " of " + name + ", or take it off"}
		}
		was := *s
		live := *s.Live.Service
		live.CapacityProviderStrategy, was.Live.Service = r.Strategy, &live
		was.Capacity = discover.CapacityOf(&live)
		m.Then = v.split(&was)
	case begun && (other.Desired > 0 || capacityOf(s) != OnSpot):
		m.Turn, m.Then.Spot = ToGoOn, s.Desired
	default:
		p, err := v.plan(s, "")
		refused, ok := errors.AsType[*RefusedError](err)
		switch {
		case ok:
			return nil, &refused.Obstacles[0]
		case err != nil:
			return nil, &Obstacle{Blocks, "no plan", err.Error(), "backstop adopt " + wording.Shell(s.Name) + " --cluster " + wording.Shell(s.Cluster)}
		}
		for i := range p.Obstacles { // cover that is another service in some respect may serve nothing
			if p.Obstacles[i].Short == twinDiffers {
				return nil, &p.Obstacles[i]
			}
		}
		m.Turn, m.Then.Spot = ToAdopt, s.Desired
		if p.Steps[0].Name == StepGuard {
			m.Turn = ToGuard
		}
		if s.Capacity == failover.Spot { // nothing of it is moved
			m.Cover = 0
		}
	}
	m.Now = v.split(s)
	if other != nil {
		m.Now.Twin = other.Desired
	}
	demand, spot, err := v.taskHours(s)
	if err == nil {
		m.USDPerHour, m.USDPerHourThen = m.Now.usd(demand, spot), m.Then.usd(demand, spot)
	}
	vcpu := float64(s.Task.CPU) / 1024
	v.used.onDemand += float64(m.Then.OnDemand-m.Now.OnDemand) * vcpu
	v.used.spot += float64(m.Then.Spot-m.Now.Spot) * vcpu
	return m, nil
}

// split is what a service asks for by kind of capacity.
func (v *view) split(s *discover.Service) Counts {
	demand := int(shareOnDemand(s) + 0.5)
	return Counts{OnDemand: demand, Spot: s.Desired - demand}
}

func (f *Fleet) add(m *Member) {
	f.Services = append(f.Services, *m)
	f.Now, f.Then, f.Cover = f.Now.plus(m.Now), f.Then.plus(m.Then), max(f.Cover, m.Cover)
	if m.USDPerHour == nil {
		f.Unpriced++
		return
	}
	f.USDPerHour += *m.USDPerHour
	f.USDPerHourThen += *m.USDPerHourThen
}

// Todo are the services of which something is changed.
func (f *Fleet) Todo() []Member {
	return slices.DeleteFunc(slices.Clone(f.Services), func(m Member) bool { return m.Turn == ToGuard })
}

func (c Counts) plus(o Counts) Counts {
	return Counts{c.OnDemand + o.OnDemand, c.Spot + o.Spot, c.Twin + o.Twin}
}

// usd is what the tasks cost for an hour at these prices of one task.
func (c Counts) usd(demand, spot float64) *float64 {
	sum := float64(c.OnDemand+c.Twin)*demand + float64(c.Spot)*spot
	return &sum
}

// Campaign carries out what a fleet says.
type Campaign struct {
	AWS aws.Config
	// Cluster limits what is read; empty: all of the region.
	Cluster string
	// Say, Wait and Scale are as in Application; For bounds one service, 0 does not.
	Say   func(m *Member, text string)
	Wait  func(ctx context.Context, speed float64) error
	Scale float64
	For   time.Duration
	// Around runs what is done to one service, with what has to be done before and after it; nil: nothing has.
	Around func(ctx context.Context, m *Member, run func() error) error
}

// Run adopts the members one after another, or undoes that, and stops at the first that is not as planned: which another look refuses, or
// which is not done in its time. It returns those that are done. Started again it goes on: what is done is not in the next plan.
func (c Campaign) Run(ctx context.Context, members []Member) ([]Member, error) {
	for i := range members {
		if err := c.one(ctx, &members[i]); err != nil {
			return members[:i], err
		}
	}
	return members, nil
}

func (c Campaign) one(ctx context.Context, m *Member) error {
	found, err := discover.Find(ctx, c.AWS, c.Cluster)
	if err != nil {
		return err
	}
	v := newView(found, cost.Table{})
	s := v.find(m.Cluster, m.Service)
	if s == nil {
		return fmt.Errorf("%s %s: the service is not there any more", m.Turn, m.Service)
	}
	if m.Turn == ToAdopt {
		if _, err := v.plan(s, m.Twin); err != nil {
			return err
		}
	}
	run := func() error {
		ctx := ctx
		if c.For > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.For)
			defer cancel()
		}
		return Application{AWS: c.AWS, Service: s, Twin: m.Twin, Say: func(text string) { c.Say(m, text) }, Wait: c.Wait, Scale: c.Scale}.Run(ctx, m.Turn == ToUndo)
	}
	if c.Around == nil {
		return run()
	}
	return c.Around(ctx, m, run)
}

// Configuration guards every service of the found that has a twin without tasks, with the preset observe; empty where none has.
func Configuration(found *discover.Found) string {
	return string(discover.YAML(found, discover.Propose(found.Services)))
}
