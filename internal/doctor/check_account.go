package doctor

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// AWS refuses signatures that are five minutes off. Decisions are taken by AWS's clock, but leases by ours.
const (
	skewFail = 5 * time.Minute
	skewWarn = 30 * time.Second
)

// daemonReads are the reads that the daemon cannot do without; the others are the doctor's alone.
var daemonReads = []string{callServices, callListTasks, callTasks, callScaling}

func checkCredentials(x *exam) verdict {
	err := x.f.failure(x.s, "sts:GetCallerIdentity")
	if err == nil {
		return okay("%s", x.f.identity)
	}
	fix := "aws sts get-caller-identity   # AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL say whose account is asked"
	return bad(Fail, fix, "%s", err)
}

func checkClock(x *exam) verdict {
	if x.f.aws.IsZero() {
		return skip("AWS's answer has no Date")
	}
	skew := x.f.now.Sub(x.f.aws)
	off := skew.Abs().Round(time.Second) // the header has whole seconds
	word := "behind"
	if skew > 0 {
		word = "ahead of"
	}
	fix := "timedatectl set-ntp true   # or chrony; on EC2 and Fargate the Amazon Time Sync Service"
	switch {
	case x.f.virtual && off >= skewWarn:
		return okay("the sandbox has a clock of its own, %s from this one", wording.Span(off))
	case off >= skewFail:
		return bad(Fail, fix, "this clock is %s %s AWS's; leases and credentials go by it", off, word)
	case off >= skewWarn:
		return bad(Warn, fix, "this clock is %s %s AWS's", off, word)
	}
	return okay("within %s of AWS's", max(off, time.Second))
}

func (x *exam) place() place { return place{x.s.Region, x.s.RoleARN} }

func checkPermissions(x *exam) verdict {
	var needed, ours []string
	for i := range x.f.failed {
		c := &x.f.failed[i]
		if !c.denied() || c.place != x.place() {
			continue
		}
		action, _, _ := strings.Cut(c.action, " ")
		list := &ours
		if slices.Contains(daemonReads, action) {
			list = &needed
		}
		if !slices.Contains(*list, action) {
			*list = append(*list, action)
		}
	}
	slices.Sort(needed)
	slices.Sort(ours)
	switch {
	case len(needed) > 0:
		return bad(Fail, statement(append(needed, ours...)), "not allowed: %s; without it nothing is seen, and so nothing is done", strings.Join(needed, ", "))
	case len(ours) > 0:
		return bad(Warn, statement(ours), "not allowed: %s; only the doctor needs it", strings.Join(ours, ", "))
	}
	return okay("every read that was tried is allowed; writes cannot be tried without changing something")
}

// statement is the part of a policy document that allows actions.
func statement(actions []string) string {
	return fmt.Sprintf("statement {   # aws_iam_policy_document; docs/iam.md has the resources\n  actions   = [\"%s\"]\n  resources = [\"*\"]\n}", strings.Join(actions, `", "`))
}

func checkAnswers(x *exam) verdict {
	for i := range x.f.failed {
		c := &x.f.failed[i]
		if c.place != x.place() || c.denied() || c.unknown() || c.subject.Kind == KindEvents {
			continue
		}
		fix := "aws ecs list-clusters --region " + x.s.Region
		if e, ok := errors.AsType[*failure.Error](c.err); ok && e.Hint() != "" {
			fix += "   # " + e.Hint()
		}
		return bad(Fail, fix, "%s", c.err)
	}
	return okay("every call was answered")
}

// need is how many tasks, and vCPUs, workloads may want of one kind of capacity in a place.
type need struct {
	tasks     int
	vcpu      float64
	unknown   []string // workloads whose demand or size is not known
	workloads int
}

func (x *exam) need(all []control.Workload, kind func(w *control.Workload, p int) (tasks int, wanted bool)) need {
	var n need
	for i := range all {
		w := &all[i]
		most, size := -1, 0.0
		known := true
		for k := range w.Refs {
			tasks, wanted := kind(w, k)
			if (place{w.Refs[k].Region, w.Refs[k].RoleARN}) != x.place() || !wanted {
				continue
			}
			// Pools of one workload share what is missing: the place must hold it once.
			most = max(most, tasks)
			v := x.f.pools[subjectOf(w, k)].vcpu()
			if v == 0 {
				v = x.f.pools[subjectOf(w, ownerOf(w))].vcpu()
			}
			size = max(size, v)
			known = known && v > 0
		}
		if most < 0 {
			continue
		}
		n.workloads++
		if _, ok := x.f.demand(w); !ok || !known {
			n.unknown = append(n.unknown, w.Name)
			continue
		}
		n.tasks += most
		n.vcpu += float64(most) * size
	}
	return n
}

// cover is how many tasks a full failover asks a pool for.
func (f *facts) cover(w *control.Workload, p int) (int, bool) {
	pool := &w.Policy.Pools[p]
	if pool.Capacity != onDemand {
		return 0, false
	}
	d, _ := f.demand(w)
	n := d + w.Policy.Extra
	if n > 1 {
		// As the surplus of a gap: below about six tasks it falls with the root of the gap.
		const few = 2.5
		n += int(math.Ceil(w.Policy.Overstart * max(float64(n), few*math.Sqrt(float64(n)))))
	}
	if w.Policy.OnDemandMax > 0 {
		n = min(n, w.Policy.OnDemandMax)
	}
	if pool.Max > 0 {
		n = min(n, pool.Max)
	}
	return n, true
}

func (f *facts) ask(w *control.Workload, p int) (int, bool) {
	pool := &w.Policy.Pools[p]
	d, _ := f.demand(w)
	if pool.Max > 0 {
		d = min(d, pool.Max)
	}
	return d, pool.Capacity == spot
}

func checkOnDemandQuota(x *exam) verdict {
	return x.quota(quotaOnDemand, "on-demand", x.need(x.f.workloads, x.f.cover), "a full failover")
}

func checkSpotQuota(x *exam) verdict {
	return x.quota(quotaSpot, "Spot", x.need(x.f.workloads, x.f.ask), "the demand")
}

func (x *exam) quota(code, name string, n need, what string) verdict {
	limit, known := x.f.quotas[x.place()][code]
	switch {
	case n.workloads == 0:
		return okay("no pool here runs on %s", name)
	case !known:
		return skip("Service Quotas does not list %s here", code)
	case n.tasks == 0 && len(n.unknown) > 0:
		return skip("demand or task size is not known for %s", strings.Join(n.unknown, ", "))
	}
	fix := fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code fargate --quota-code %s --desired-value %.0f --region %s",
		code, math.Ceil(n.vcpu*1.5), x.s.Region)
	text := fmt.Sprintf("%s needs %.4g vCPU (%d tasks), the %s quota is %.6g", what, n.vcpu, n.tasks, name, limit)
	switch {
	case n.vcpu > limit:
		return bad(Fail, fix, "%s: ECS will not start more", text)
	case n.vcpu > 0.8*limit:
		return bad(Warn, fix, "%s; whatever else runs in the account needs room in it too", text)
	}
	return okay("%s", text)
}

// startedWithin is how long a full failover may take to be asked for, half of the notice.
const startedWithin = time.Minute

// startsPerMinute is how many tasks ECS's service scheduler starts of one service in a minute on Fargate.
const startsPerMinute = 500

func checkLaunchRate(x *exam) verdict {
	n := x.need(x.f.workloads, x.f.cover)
	q := x.f.quotas[x.place()]
	burst, known := q[quotaLaunchBurst]
	refill := q[quotaLaunchRefills]
	switch {
	case n.workloads == 0:
		return okay("no pool here runs on on-demand")
	case !known || refill <= 0:
		return skip("Service Quotas does not list the launch rate here")
	case n.tasks == 0 && len(n.unknown) > 0:
		return skip("demand or task size is not known for %s", strings.Join(n.unknown, ", "))
	}
	seconds := max(0, float64(n.tasks)-burst) / refill
	seconds = max(seconds, float64(n.tasks)/float64(n.workloads)/startsPerMinute*60)
	took := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	text := fmt.Sprintf("%d tasks at a burst of %.4g and %.4g a second, and at most %d a minute for a service, are started within %s", n.tasks, burst, refill, startsPerMinute, max(took, time.Second))
	if took > startedWithin {
		return bad(Warn, fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code fargate --quota-code %s --desired-value %.0f --region %s   # or spread the workload over more services",
			quotaLaunchRefills, math.Ceil(float64(n.tasks)/30), x.s.Region), "%s, longer than half of the notice", text)
	}
	return okay("%s", text)
}
