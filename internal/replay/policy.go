package replay

import (
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Policy is one contestant: the product's law under some policy, or a rival.
type Policy struct {
	Name string
	Doc  string
	// Control is how fast it learns and acts.
	Control Control
	// Law is the product's policy, without pools; nil for a rival that is not built on it.
	Law *failover.Policy

	make func(*sim) controller
}

// Rival names.
const (
	RivalOnDemand   = "on-demand"
	RivalSpot       = "spot"
	RivalStatic20   = "static-20"
	RivalStatic50   = "static-50"
	RivalArticle    = "article"
	RivalDuplicate  = "duplicate"
	RivalGap22      = "gap22"
	RivalSpotHedge  = "spothedge"
	RivalSpotHedgeW = "spothedge-warned"
	RivalPeak       = "article-peak"
	RivalForesight  = "foresight-1"
	RivalForesightX = "foresight-10"
	OracleName      = "oracle"
)

// Law returns the product's own policy of a preset, as a contestant.
func Law(preset string) (Policy, error) {
	p, ok := failover.Preset(preset)
	if !ok {
		return Policy{}, fmt.Errorf("no preset %q", preset)
	}
	return LawOf(preset, p), nil
}

// LawOf returns the product's law under any policy, as a contestant. Its pools are replaced by those of the trace.
func LawOf(name string, p failover.Policy) Policy {
	return Policy{Name: name, Doc: "the product's law, preset " + p.Preset, Control: FastControl(), Law: &p,
		make: func(s *sim) controller { return newLaw(s, p) }}
}

// ByName returns a contestant by its name: a preset or a rival.
func ByName(name string) (Policy, error) {
	if _, ok := failover.Preset(name); ok {
		return Law(name)
	}
	for _, r := range Rivals() {
		if r.Name == name {
			return r, nil
		}
	}
	return Policy{}, fmt.Errorf("unknown policy %q: there are %s", name, strings.Join(Names(), ", "))
}

// Names lists every contestant, the product's presets first and the oracle last.
func Names() []string {
	out := failover.PresetNames()
	for _, r := range Rivals() {
		out = append(out, r.Name)
	}
	return append(out, OracleName)
}

// skyServeInterval is how often SkyServe's autoscaler decides (AUTOSCALER_DEFAULT_DECISION_INTERVAL_SECONDS of sky/serve).
const skyServeInterval = 20 * time.Second

// Rivals lists the policies that the product is compared with, each as published.
func Rivals() []Policy {
	skyServe := Control{Act: Delay{P50: 2 * time.Second, P95: 5 * time.Second}, Tick: skyServeInterval, Deaf: true}
	return []Policy{
		{Name: RivalOnDemand, Doc: "everything on on-demand", Control: FastControl(), make: static(1)},
		{Name: RivalSpot, Doc: "everything on Spot, no cover", Control: FastControl(), make: static(0)},
		{Name: RivalStatic20, Doc: "20 % on-demand, the rest Spot (base and weight)", Control: FastControl(), make: static(0.2)},
		{Name: RivalStatic50, Doc: "50 % on-demand, the rest Spot (base and weight)", Control: FastControl(), make: static(0.5)},
		{Name: RivalArticle, Doc: "full switch after 3 capacity failures or 5 stops in 5 minutes or a task PENDING for 3 minutes; back after a probe " +
			"of ten tasks was stable for 10 minutes", Control: ArticleControl(), make: newArticle},
		{Name: RivalDuplicate, Doc: "on a placement failure the whole demand again on on-demand, until Spot is steady (fargate-spot-fallback)",
			Control: ArticleControl(), make: func(s *sim) controller { return &duplicate{s: s} }},
		{Name: RivalGap22, Doc: "on a placement failure 2.2 times the gap on on-demand, until Spot is whole", Control: ArticleControl(),
			make: func(s *sim) controller { return &gap22{s: s} }},
		{Name: RivalSpotHedge, Doc: "SkyServe: on-demand = min(target, target + 10 % - ready Spot), decided every 20 s, warnings not used",
			Control: skyServe, make: func(s *sim) controller { return &spotHedge{s: s, extra: 0.10} }},
		{Name: RivalSpotHedgeW, Doc: "the same rule with 5 % extra, deciding on every event with the warning used (stronger than published)",
			Control: FastControl(), make: func(s *sim) controller { return &spotHedge{s: s, extra: 0.05, warned: true} }},
		{Name: RivalPeak, Doc: "the article's rule, and a switch too at 09-12 local when the health score is below 70", Control: ArticleControl(), make: newArticlePeak},
		foresightOf(RivalForesight, 1), foresightOf(RivalForesightX, 10),
	}
}

func foresightOf(name string, usd float64) Policy {
	law, _ := failover.Preset(failover.PresetFill)
	return Policy{Name: name, Control: FastControl(), Law: &law, make: func(s *sim) controller { return newForesight(s, usd) },
		Doc: fmt.Sprintf("fill, and on-demand tasks kept warm where a forecast of losses says that they avoid shortfall at $%g a task-minute", usd)}
}

// controller decides what every pool is asked for.
type controller interface {
	// pass decides at s.now on the notices that have arrived since the last pass; it calls s.ask for every count that should change.
	pass(arrived []notice)
	// idle says that a pass would change nothing unless something happens before the next one is due.
	idle() bool
	// failovers is how often Spot was given up as a whole.
	failovers() int
}

// notice is one thing that an event told.
type notice struct {
	at      time.Duration // when it arrives
	pool    int
	stopped bool // the task is STOPPED: what controllers that do not use the warning see
	sig     failover.Signal
}
