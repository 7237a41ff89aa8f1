package doctor

import (
	"errors"
	"slices"
	"time"

	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/ledger"
	"github.com/backstop-ecs/backstop/internal/roster"
	"github.com/backstop-ecs/backstop/internal/twin"
)

// place is a region as it is reached through one role.
type place struct{ region, role string }

// facts are what was seen, and what could not be.
type facts struct {
	workloads []control.Workload
	tick      time.Duration
	now       time.Time // our clock at the moment of aws
	aws       time.Time // AWS's clock
	virtual   bool      // that is a sandbox's, at any speed
	account   string
	identity  string
	quotas    map[place]map[string]float64
	limits    map[place]map[string]float64 // of Elastic Load Balancing, by name
	pools     map[Subject]*poolFacts
	events    eventFacts
	state     stateFacts
	failed    []failedCall
	receivers int // of notices
	// alone are the clusters whose tasks of no service are started again.
	alone []config.Tasks
	tried []Tried
	// homeRegion is the one that stands for those that name none, table the DynamoDB table of the state.
	homeRegion, table string
	live              bool // what can be tried for nothing is tried
	// simulated is what IAM says of the role's policies; nil: it was not asked. refused are the deeds that they do not allow.
	simulated *int
	refused   []deed
	// readings are of services that were read again and again; nil: none was.
	readings *readings
}

// poolFacts are what is known of one pool's service.
type poolFacts struct {
	ref     control.ServiceRef
	policy  *failover.Pool
	cluster *types.Cluster // nil: it is not there
	service *types.Service // nil: it is not there
	// revision is the service revision that it runs; nil where it was not read, or where there are several.
	revision *types.ServiceRevision
	// definition is of the service's task definition.
	definition *types.TaskDefinition
	tasks      []types.Task
	stopped    []types.Task            // in about the last hour
	target     *scaling.ScalableTarget // nil: there is none
	policies   []scaling.ScalingPolicy
	alarms     map[string]twin.Alarm // of step policies, by name
	actions    []scaling.ScheduledAction
	// delays are the deregistration delays of the target groups, by ARN.
	delays map[string]time.Duration
	// balancers are the load balancers that use the target groups, both by ARN.
	balancers map[string][]string
	subnets   []subnet
}

// subnet is one subnet of a service.
type subnet struct {
	id, zone string
	free     int
}

// eventFacts are what is known of the events' way.
type eventFacts struct {
	url      string
	place    place
	queueARN string
	policy   string
	key      string // the KMS key that encrypts the queue; empty: none, or SQS's own
	// keyPolicy is that of a key of one's own; empty: it could not be read.
	keyPolicy string
	dead      string // the dead-letter queue's ARN
	deadLen   int
	waiting   int
	buses     map[busAt]*bus
	topics    map[string]topic // by ARN, those that rules send to
	tried     map[trial]bool   // what EventBridge says of patterns
}

// stateFacts are what is known of the store.
type stateFacts struct {
	where   string
	err     error
	absent  bool // no guard has ever run
	records map[string]control.Record
	newest  map[string]time.Time // of the workload's journal
	beats   []health.Beat
	left    []roster.Entry
	aws     ledger.Seen // what guards have learned of AWS
	denied  []deniedAction
	mixed   map[string]mixture // workloads that are decided with two configurations in turns
	daemon  daemonState
}

// deniedAction is an action of the journal that AWS refused for want of a permission, a role or a provider, or as another controller deploys.
type deniedAction struct {
	workload string
	at       time.Time
	text     string
	hint     string
}

// daemonState says what the daemon's own page answers.
type daemonState struct {
	address string
	ready   bool
}

// failedCall is a call to AWS that failed, and for whom.
type failedCall struct {
	subject Subject
	place   place
	action  string // the IAM action
	err     error
}

// errNotOffered says that the endpoint does not know a service, as a sandbox's may not.
var errNotOffered = errors.New("the endpoint does not offer it")

// notOffered are the codes with which endpoints refuse an operation that they do not know.
var notOffered = []string{"InvalidAction", "UnknownOperationException"}

// failure returns why an action of a subject failed, or nil if it did not.
func (f *facts) failure(s Subject, action string) error {
	i := slices.IndexFunc(f.failed, func(c failedCall) bool { return c.action == action && related(c.subject, s) })
	if i < 0 {
		return nil
	}
	return f.failed[i].err
}

// denied reports whether a failed call lacked a permission.
func (c *failedCall) denied() bool {
	return failure.Kind(c.err) == failover.ErrDenied && !c.unknown()
}

// unknown reports whether the endpoint does not offer the call.
func (c *failedCall) unknown() bool {
	return errors.Is(c.err, errNotOffered) || slices.Contains(notOffered, failure.Code(c.err))
}

// demand returns how many tasks a workload wants and whether that is known.
func (f *facts) demand(w *control.Workload) (int, bool) {
	if w.Policy.Demand > 0 {
		return w.Policy.Demand, true
	}
	r, known := f.state.records[w.Name]
	owner := ownerOf(w)
	p := f.pools[subjectOf(w, owner)]
	if known && r.State.DemandSet {
		// While a breaker holds the owner's count down, the demand is in the state.
		if st := r.State.Pool(w.Policy.Pools[owner].Name); st.B.Mode != failover.Closed {
			return r.State.Demand, true
		}
	}
	if p == nil || p.service == nil {
		return r.State.Demand, known && r.State.DemandSet
	}
	return int(p.service.DesiredCount), true
}

// ownerOf returns the index of the pool whose desired count is the demand.
func ownerOf(w *control.Workload) int {
	for i := range w.Policy.Pools {
		if w.Policy.Pools[i].Name == w.Policy.Owner {
			return i
		}
	}
	return 0
}

// vcpu returns the vCPUs of one task of the pool, 0 when it is not known.
func (p *poolFacts) vcpu() float64 {
	if p == nil || p.definition == nil || p.definition.Cpu == nil {
		return 0
	}
	return number(*p.definition.Cpu) / 1024
}

// deniedActions are those of the journal that were refused until a person does something, and not carried out since.
func deniedActions(entries []journal.Entry) []deniedAction {
	var out []deniedAction
	done := map[string]bool{} // by type and pool: the newest outcome counts
	for i := range entries {  // the newest first
		for k := range entries[i].Outcomes {
			o := &entries[i].Outcomes[k]
			key := entries[i].Workload + "\x00" + journal.Type(o.Action) + "\x00" + journal.Pool(o.Action)
			if o.Skipped || done[key] {
				continue
			}
			done[key] = true
			if o.Err == failover.ErrDenied || o.Err == failover.ErrInvalid && o.Hint != "" { // whose text names the cure
				out = append(out, deniedAction{entries[i].Workload, entries[i].At, o.Text, o.Hint})
			}
		}
	}
	return out
}

// mixture is two configurations of one workload that decide in turns.
type mixture struct {
	a, b string // digests of the policies
	at   time.Time
}

// mixedWithin is how close together decisions of a configuration, another and the first again must be: somebody may
// change a value, look, and change it back.
const mixedWithin = 15 * time.Minute

// mixedConfigurations looks for a configuration that decided, another after it, and then the first again. Two writers
// with different files do that for as long as something happens; a change that is rolled out does not.
func mixedConfigurations(entries []journal.Entry) (mixture, bool) { // the newest first
	for i := range entries {
		a, other := entries[i].PolicyDigest, ""
		if a == "" {
			continue
		}
		for k := i + 1; k < len(entries) && entries[i].At.Sub(entries[k].At) <= mixedWithin; k++ {
			switch d := entries[k].PolicyDigest; {
			case d == "":
			case d != a:
				other = d
			case other != "":
				return mixture{a, other, entries[i].At}, true
			}
		}
	}
	return mixture{}, false
}
