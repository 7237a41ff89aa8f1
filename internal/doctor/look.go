package doctor

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/backstop-ecs/backstop/internal/aws/clock"
	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/pulse"
	"github.com/backstop-ecs/backstop/internal/roster"
	"github.com/backstop-ecs/backstop/internal/witness"
)

const (
	// callTimeout bounds one call with its retries, parallelMax the pools that are looked at at a time: a doctor
	// must not use up the calls that the daemon and consoles need.
	callTimeout = 10 * time.Second
	parallelMax = 4
	// tasksMax is how many tasks of a service are read to measure start-up times and zones: one page.
	tasksMax = 100
	// decisionsMax is how many of the journal's newest decisions are compared.
	decisionsMax = 20
	// outcomesMax is how many of the journal's newest outcomes are searched for denied actions.
	outcomesMax = 200
	// pageTimeout bounds the question to the daemon's own page.
	pageTimeout = 2 * time.Second
	sessionName = "backstop-doctor"
)

// Quotas of Fargate that decide whether a failover fits (Service Quotas, service code fargate).
const (
	quotaOnDemand      = "L-3032A538"
	quotaSpot          = "L-36FBB829"
	quotaLaunchBurst   = "L-6BAD92DD"
	quotaLaunchRefills = "L-551A4E9D"
)

// Options say what to look at. File, Workloads and AWS are needed.
type Options struct {
	File      *config.File
	Workloads []control.Workload
	AWS       aws.Config
	// Store is the configuration's; nil when nothing was ever written, or with StoreErr when it cannot be opened.
	Store    control.Store
	StoreErr error
	Now      func() time.Time
	// Client asks the daemon's own page; nil: it is not asked.
	Client *http.Client
	// Policies are policy documents of the guard's role, in JSON. IAM is asked whether they allow every call of the guard, which changes nothing and costs
	// nothing; none: it is not asked.
	Policies []string
	// Pause waits between reads that are repeated to see whether AWS answers with what was; nil: nothing is tried.
	Pause func(context.Context, time.Duration) error
	// Try sends a test to every receiver of notices; nil: they are not tried.
	Try func(context.Context) []Tried
}

// Tried is what became of a test of one receiver of notices.
type Tried struct {
	Receiver string
	Err      error // nil: it took the test
	Hint     string
}

// looker gathers facts. Its methods may run side by side.
type looker struct {
	o  Options
	mu sync.Mutex
	f  *facts
}

func look(ctx context.Context, o Options) *facts {
	l := &looker{o: o, f: &facts{now: o.Now(), workloads: o.Workloads, tick: o.File.Tick, quotas: map[place]map[string]float64{}, limits: map[place]map[string]float64{}, pools: map[Subject]*poolFacts{}}}
	l.f.events.url = o.File.Events.SQS
	l.f.live = o.Pause != nil
	l.f.table, l.f.homeRegion = o.File.State.DynamoDB, o.AWS.Region
	l.f.receivers, l.f.alone = len(o.File.Notify), o.File.Tasks
	if o.Try != nil {
		l.f.tried = o.Try(ctx)
	}
	l.caller(ctx)
	if len(l.f.failed) == 0 {
		l.regions(ctx)
		l.allPools(ctx)
		l.limits(ctx)
		l.events(ctx)
		l.simulate(ctx)
		l.reread(ctx)
	}
	l.state(ctx)
	return l.f
}

// config returns the SDK's configuration for a region and a role.
func (l *looker) config(p place) aws.Config {
	return role.At(l.o.AWS, p.region, p.role, sessionName)
}

// call makes one call within its time and keeps its error. It reports whether it went well.
func (l *looker) call(ctx context.Context, s Subject, p place, action, object string, run func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := run(ctx)
	if err == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.f.failed = append(l.f.failed, failedCall{s, p, action, failure.Wrap(action, object, err)})
	return false
}

// caller asks who we are, and AWS's clock on the way.
func (l *looker) caller(ctx context.Context) {
	home := place{region: l.o.AWS.Region}
	if home.region == "" {
		for _, w := range l.o.Workloads {
			home.region = w.Refs[0].Region
			break
		}
	}
	l.call(ctx, Subject{Kind: KindAccount}, home, "sts:GetCallerIdentity", "ask who we are", func(ctx context.Context) error {
		before := l.o.Now()
		out, err := sts.NewFromConfig(l.config(home)).GetCallerIdentity(ctx, nil)
		if err != nil {
			return err
		}
		after := l.o.Now()
		l.f.now = before.Add(after.Sub(before) / 2)
		var speed float64
		l.f.aws, speed = clock.Of(out.ResultMetadata)
		l.f.virtual = speed > 0
		l.f.account, l.f.identity = aws.ToString(out.Account), aws.ToString(out.Arn)
		return nil
	})
}

// places lists the regions and roles of the pools, in their order.
func places(all []control.Workload) []place {
	var out []place
	seen := map[place]bool{}
	for _, w := range all {
		for _, r := range w.Refs {
			p := place{r.Region, r.RoleARN}
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// regions reads the quotas.
func (l *looker) regions(ctx context.Context) {
	for _, p := range places(l.o.Workloads) {
		s := regionOf(p)
		client := servicequotas.NewFromConfig(l.config(p))
		quotas := map[string]float64{}
		l.call(ctx, s, p, "servicequotas:ListServiceQuotas", "read quotas of Fargate in "+p.region, func(ctx context.Context) error {
			pages := servicequotas.NewListServiceQuotasPaginator(client, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("fargate")})
			for pages.HasMorePages() {
				out, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, q := range out.Quotas {
					quotas[aws.ToString(q.QuotaCode)] = aws.ToFloat64(q.Value)
				}
			}
			return nil
		})
		l.f.quotas[p] = quotas
	}
}

// allPools looks at every pool's service.
func (l *looker) allPools(ctx context.Context) {
	var all sync.WaitGroup
	slots := make(chan struct{}, parallelMax)
	for i := range l.o.Workloads {
		w := &l.o.Workloads[i]
		for k := range w.Refs {
			s := subjectOf(w, k)
			p := &poolFacts{ref: w.Refs[k], policy: &w.Policy.Pools[k]}
			l.f.pools[s] = p
			slots <- struct{}{} // every look has its deadlines, so a place comes free
			all.Go(func() {
				defer func() { <-slots }()
				l.pool(ctx, s, p)
			})
		}
	}
	all.Wait()
}

// pool looks at one service. What it needs and does not get, it leaves empty.
func (l *looker) pool(ctx context.Context, s Subject, p *poolFacts) {
	at := place{p.ref.Region, p.ref.RoleARN}
	cfg := l.config(at)
	client := ecs.NewFromConfig(cfg)
	name := p.ref.String()
	l.call(ctx, s, at, "ecs:DescribeClusters", "describe the cluster of "+name, func(ctx context.Context) error {
		out, err := client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{p.ref.Cluster}})
		if err == nil && len(out.Clusters) > 0 {
			p.cluster = &out.Clusters[0]
		}
		return err
	})
	ok := l.call(ctx, s, at, "ecs:DescribeServices", "describe service "+name, func(ctx context.Context) error {
		out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &p.ref.Cluster, Services: []string{p.ref.Service}, Include: []types.ServiceField{types.ServiceFieldTags}})
		if failure.Kind(err) == failover.ErrNotFound {
			return nil // the checks say so
		}
		if err == nil && len(out.Services) > 0 {
			p.service = &out.Services[0]
		}
		return err
	})
	if !ok || p.service == nil || aws.ToString(p.service.Status) != "ACTIVE" {
		return
	}
	l.call(ctx, s, at, "ecs:DescribeTaskDefinition", "describe the task definition of "+name, func(ctx context.Context) error {
		out, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: p.service.TaskDefinition})
		if err == nil {
			p.definition = out.TaskDefinition
		}
		return err
	})
	l.revision(ctx, s, at, client, p)
	l.tasks(ctx, s, at, client, p)
	l.scaling(ctx, s, at, cfg, p)
	l.balancers(ctx, s, at, cfg, p)
	l.network(ctx, s, at, cfg, p)
}

// network reads zones and free addresses of the service's subnets.
func (l *looker) network(ctx context.Context, s Subject, at place, cfg aws.Config, p *poolFacts) {
	ids := subnetsOf(p)
	if len(ids) == 0 {
		return
	}
	l.call(ctx, s, at, "ec2:DescribeSubnets", "describe the subnets of "+p.ref.String(), func(ctx context.Context) error {
		out, err := describeSubnets(ctx, cfg, ids)
		if err == nil {
			p.subnets = out
		}
		return err
	})
}

func subnetsOf(p *poolFacts) []string {
	if p.service == nil || p.service.NetworkConfiguration == nil || p.service.NetworkConfiguration.AwsvpcConfiguration == nil {
		return nil
	}
	return p.service.NetworkConfiguration.AwsvpcConfiguration.Subnets
}

// state reads the store, and asks the daemon's own page whether passes happen.
func (l *looker) state(ctx context.Context) {
	st := &l.f.state
	st.where = "SQLite file " + l.o.File.State.SQLite
	if table := l.o.File.State.DynamoDB; table != "" {
		st.where = "DynamoDB table " + table
	}
	st.newest, st.mixed = map[string]time.Time{}, map[string]mixture{}
	switch {
	case l.o.StoreErr != nil:
		st.err = l.o.StoreErr
		return
	case l.o.Store == nil:
		st.absent = true
		return
	}
	names := make([]string, len(l.o.Workloads))
	for i := range l.o.Workloads {
		names[i] = l.o.Workloads[i].Name
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if st.records, st.err = l.o.Store.Load(ctx, names); st.err != nil {
		return
	}
	if st.beats, st.err = pulse.Read(ctx, l.o.Store); st.err != nil {
		return
	}
	if st.aws, st.err = witness.Read(ctx, l.o.Store); st.err != nil {
		return
	}
	entries, err := roster.Read(ctx, l.o.Store)
	if err != nil {
		st.err = err
		return
	}
	for _, e := range entries {
		if !e.Gone.IsZero() && e.Left != nil && !e.Left.Nothing() {
			st.left = append(st.left, e)
		}
	}
	first, err := l.o.Store.Journal(ctx, journal.Query{Limit: 1})
	if err != nil {
		st.err = err
		return
	}
	st.absent = len(first) == 0
	for _, name := range names {
		entries, err := l.o.Store.Journal(ctx, journal.Query{Workload: name, Kinds: []journal.Kind{journal.KindDecision}, Limit: decisionsMax})
		if err != nil {
			st.err = err
			return
		}
		if len(entries) > 0 {
			st.newest[name] = entries[0].At
		}
		if d, mixed := mixedConfigurations(entries); mixed {
			st.mixed[name] = d
		}
		outcomes, err := l.o.Store.Journal(ctx, journal.Query{Workload: name, Kinds: []journal.Kind{journal.KindOutcome}, Limit: outcomesMax})
		if err != nil {
			st.err = err
			return
		}
		st.denied = append(st.denied, deniedActions(outcomes)...)
	}
	l.daemon(ctx)
}

// daemon asks the daemon's page. Where there is none, as with the Lambda function, nothing is known by it.
func (l *looker) daemon(ctx context.Context) {
	address := l.o.File.HTTP.Listen
	if address == "" || l.o.Client == nil {
		return
	}
	l.f.state.daemon.address = address
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return
	}
	answer, err := l.o.Client.Do(r)
	if err != nil {
		return
	}
	_ = answer.Body.Close()
	l.f.state.daemon.ready = answer.StatusCode == http.StatusOK
}
