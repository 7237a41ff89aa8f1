package service

import (
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/twin"
)

// tagDemand is the tag of a service that holds what was wanted before its count was taken down.
const tagDemand = "backstop:demand"

// entry is one load balancer of a service: its target group, the one that takes turns with it in blue/green, linear and canary
// deployments, and the rules (or listeners) that send it production and test traffic.
type entry struct {
	group, alternate     string
	production, testRule string
	port                 int32
}

// groups lists the target groups of the entry.
func (e *entry) groups() []string {
	if e.alternate == "" || e.alternate == e.group {
		return []string{e.group}
	}
	return []string{e.group, e.alternate}
}

// facts are what List and Apply need to know of a service that DescribeServices told.
type facts struct {
	arn        string
	definition string
	entries    []entry
	// rolling is false for blue/green, linear and canary deployments, which shift traffic between groups.
	rolling bool
	// deploying reports whether a deployment is in progress; over, that more runs than is wanted.
	deploying, over bool
	revisions       []failover.Revision
	// running and pending are ECS's own counts.
	running, pending int
}

// factsOf reads what is kept of a service.
func factsOf(sv *types.Service, o *failover.PoolObservation) facts {
	f := facts{arn: aws.ToString(sv.ServiceArn), definition: o.TaskDefinition, rolling: rolling(sv), deploying: o.Deploying,
		over: o.RunningCount+o.PendingCount > o.Desired, revisions: o.Revisions, running: o.RunningCount, pending: o.PendingCount}
	for i := range sv.LoadBalancers {
		lb := &sv.LoadBalancers[i]
		if aws.ToString(lb.TargetGroupArn) == "" {
			continue
		}
		e := entry{group: *lb.TargetGroupArn, port: aws.ToInt32(lb.ContainerPort)}
		if a := lb.AdvancedConfiguration; a != nil {
			e.alternate, e.production, e.testRule = aws.ToString(a.AlternateTargetGroupArn), aws.ToString(a.ProductionListenerRule), aws.ToString(a.TestListenerRule)
		}
		f.entries = append(f.entries, e)
	}
	return f
}

// rolling reports whether the service replaces its tasks one by one.
func rolling(sv *types.Service) bool {
	c := sv.DeploymentConfiguration
	return c == nil || c.Strategy == "" || c.Strategy == types.DeploymentStrategyRolling
}

// known keeps the facts of services, and the rules that carry test traffic. The zero value is ready.
type known struct {
	mu    sync.Mutex
	all   map[control.ServiceRef]facts
	tests map[string]bool
	forms map[control.ServiceRef]form
}

// form is what a service is (package twin), as of a deployment: every change of it is another one.
type form struct {
	deployment string
	fields     map[string]string
}

// formOf is the form of a service, written once a deployment. Nil: it cannot be written.
func (k *known) formOf(ref control.ServiceRef, sv *types.Service, deployment string) map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f, ok := k.forms[ref]; ok && deployment != "" && f.deployment == deployment {
		return f.fields
	}
	fields, err := twin.Form(sv)
	if err != nil {
		return nil
	}
	if k.forms == nil {
		k.forms = make(map[control.ServiceRef]form)
	}
	k.forms[ref] = form{deployment, fields}
	return fields
}

// keep keeps a service's facts, and reports whether there were any before.
func (k *known) keep(ref control.ServiceRef, f facts) (again bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all, k.tests = make(map[control.ServiceRef]facts), make(map[string]bool)
	}
	_, again = k.all[ref]
	k.all[ref] = f
	for i := range f.entries {
		if r := f.entries[i].testRule; r != "" {
			k.tests[r] = true
		}
	}
	return again
}

func (k *known) of(ref control.ServiceRef) (facts, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, ok := k.all[ref]
	return f, ok
}

// carriesTests reports whether a rule or listener is known to carry test traffic.
func (k *known) carriesTests(rule string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tests[rule]
}

// held reads the tag that holds the demand, and who holds it where that is another installation; 0: there is none. Its value is the
// demand, and " by " with the installation's name; a person may have written the number alone.
func (s *Services) held(tags []types.Tag) (demand int, by string) {
	for i := range tags {
		if aws.ToString(tags[i].Key) != tagDemand {
			continue
		}
		number, holder, _ := strings.Cut(aws.ToString(tags[i].Value), heldBy)
		if n, err := strconv.Atoi(number); err == nil && n > 0 && n <= failover.ServiceTasksMax {
			if holder == s.installation {
				holder = ""
			}
			return n, holder
		}
	}
	return 0, ""
}

// heldBy stands between the number and the name in the tag.
const heldBy = " by "

// holding is the tag's value.
func (s *Services) holding(demand int) string {
	if s.installation == "" {
		return strconv.Itoa(demand)
	}
	return strconv.Itoa(demand) + heldBy + s.installation
}

// Tagged is a name as the value of a tag may have it: letters, digits, spaces and + - = . _ : / @, and at most 200 of its last
// characters (Amazon ECS API reference, Tag: 256 in all).
func Tagged(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+-=._:/@", r)) {
			return r
		}
		return '_'
	}, name)
	return clean[max(0, len(clean)-200):]
}

// revisionsOf lists the revisions of a service that has several, with the shares of production traffic that its deployments alone
// tell; nil for one revision.
//
// In a rolling deployment in progress, or one that failed, every revision carries traffic. One that is COMPLETED with older ones
// left (early success) has them stopped. Where traffic is shifted between target groups the shares are the listeners' (List reads them).
func revisionsOf(sv *types.Service) []failover.Revision {
	if len(sv.TaskSets) > 1 {
		return taskSets(sv)
	}
	if len(sv.Deployments) < 2 {
		return nil
	}
	completed, inProgress := false, false
	for i := range sv.Deployments {
		if d := &sv.Deployments[i]; aws.ToString(d.Status) == "PRIMARY" {
			completed = d.RolloutState == types.DeploymentRolloutStateCompleted
			inProgress = d.RolloutState == types.DeploymentRolloutStateInProgress
		}
	}
	out := make([]failover.Revision, 0, len(sv.Deployments))
	for i := range sv.Deployments {
		d := &sv.Deployments[i]
		primary := aws.ToString(d.Status) == "PRIMARY"
		r := failover.Revision{ID: aws.ToString(d.Id), Deploying: primary && inProgress}
		switch {
		case !rolling(sv):
			r.Unread = true
		case primary || !completed:
			r.Share = 1
		}
		out = append(out, r)
	}
	return out
}

// taskSets lists the revisions of a service whose deployments another controller makes: the primary task set carries production
// traffic, of the others that cannot be told.
func taskSets(sv *types.Service) []failover.Revision {
	out := make([]failover.Revision, 0, len(sv.TaskSets))
	for i := range sv.TaskSets {
		ts := &sv.TaskSets[i]
		r := failover.Revision{ID: aws.ToString(ts.StartedBy)}
		if aws.ToString(ts.Id) != "" {
			r.ID = aws.ToString(ts.Id)
		}
		if aws.ToString(ts.Status) == "PRIMARY" {
			r.Share = 1
		} else {
			r.Unread = true
		}
		out = append(out, r)
	}
	return out
}

// mayTake is the share of the desired count that a deployment in progress may stop of its own accord.
func mayTake(sv *types.Service) float64 {
	c := sv.DeploymentConfiguration
	if !rolling(sv) || c == nil || c.MinimumHealthyPercent == nil {
		return 0
	}
	return max(0, 1-float64(*c.MinimumHealthyPercent)/100)
}
