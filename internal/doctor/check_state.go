package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// eventTime is how long an event takes to become a started task of cover, without the task's own start: some
// seconds on their way, a pass, a call.
const eventTime = 5 * time.Second

func checkStore(x *exam) verdict {
	st := &x.f.state
	switch {
	case st.err != nil:
		return bad(Fail, "backstop config validate   # then the path or table under `state`, and dynamodb:GetItem, Query and TransactWriteItems on it", "%s: %s", st.where, st.err)
	case st.absent:
		return okay("%s: nothing was written yet", st.where) // last-pass says what that means
	}
	return okay("%s", st.where)
}

// checkExpected says what AWS does that the ledger does not expect.
func checkExpected(x *exam) verdict {
	var rows, texts []string
	for i := range x.f.state.aws.Findings {
		f := &x.f.state.aws.Findings[i]
		rows, texts = append(rows, f.Row), append(texts, f.Row+": "+f.Text())
	}
	if len(rows) > 0 {
		return bad(Warn, "backstop verify-aws watch --share evidence.jsonl   # and report it: what is decided rests on "+strings.Join(rows, ", "),
			"AWS does what Backstop does not expect: %s", strings.Join(texts, "; "))
	}
	seen := 0
	for _, w := range x.f.state.aws.Rows() {
		if w.Seen > 0 {
			seen++
		}
	}
	if seen == 0 {
		return okay("no guard has seen anything yet that would show it")
	}
	return okay("%s of the ledger were seen to hold", wording.Count(seen, "row"))
}

// checkLeftovers names what was left of workloads that are configured no more.
func checkLeftovers(x *exam) verdict {
	var texts, fixes []string
	for i := range x.f.state.left {
		e := &x.f.state.left[i]
		texts = append(texts, e.Text())
		fixes = append(fixes, wording.LeftRemedy(e.Workload).Command)
	}
	if len(texts) > 0 {
		return bad(Fail, strings.Join(fixes, "; "), "%s", strings.Join(texts, "; "))
	}
	return okay("nothing")
}

func checkLastPass(x *exam) verdict {
	st := &x.f.state
	r, known := st.records[x.w.Name]
	look, beaten := health.LookAt(st.beats, x.w.Name, x.f.guards())
	switch {
	case st.absent:
		return bad(Warn, wording.SilentRemedy.Command+"   # or the Lambda function's schedule; with the preset observe it changes nothing", "nothing has run yet: nothing is guarded")
	case !known:
		return bad(Fail, "backstop run   # or the Lambda function's schedule", "no pass has ever looked at %s: nothing guards it", x.w.Name)
	}
	if !beaten { // a quiet workload's state is written now and then
		at := r.State.Seen.At
		if e := st.newest[x.w.Name]; e.After(at) {
			at = e
		}
		look = health.Look{Age: max(0, x.f.clock().Sub(at)), Every: control.HeartbeatEvery}
	}
	age := wording.Span(look.Age)
	d := st.daemon
	switch {
	case !look.Silent():
		return okay("%s ago", age)
	case d.ready:
		return okay("no trace for %s; the daemon at %s says that passes happen", age, d.address)
	}
	fix := wording.SilentRemedy.Command + "   # or the Lambda function's schedule"
	if p := x.f.pools[subjectOf(x.w, ownerOf(x.w))]; p != nil && p.service != nil && x.w.Policy.Demand == 0 &&
		r.State.Pool(p.policy.Name).B.Mode == failover.Closed && int(p.service.DesiredCount) != r.State.Demand {
		return bad(Fail, fix, "%s, and %d tasks are wanted now, not %d: no passes happen", wording.Silent(look.Age), p.service.DesiredCount, r.State.Demand)
	}
	text := wording.Silent(look.Age) + ": nothing guards it"
	if d.address != "" {
		text += "; no daemon is ready at " + d.address
	}
	return bad(Fail, fix, "%s", text)
}

// clock is AWS's clock, or ours when AWS was not asked.
func (f *facts) clock() time.Time {
	if f.aws.IsZero() {
		return f.now
	}
	return f.aws
}

// guards is the clock that a guard dates its sign of life by: its machine's, which a sandbox's is not.
func (f *facts) guards() time.Time {
	if f.virtual {
		return f.now
	}
	return f.clock()
}

func checkActions(x *exam) verdict {
	for _, d := range x.f.state.denied {
		if d.workload == x.w.Name {
			return bad(Fail, orElse(d.hint, "docs/iam.md"), "%s, %s", d.at.UTC().Format(time.RFC3339), d.text)
		}
	}
	return okay("none was refused")
}

func checkOneConfiguration(x *exam) verdict {
	m, mixed := x.f.state.mixed[x.w.Name]
	if !mixed {
		return okay("no two configurations decide in turns")
	}
	return bad(Fail, "backstop config validate   # the same file for every daemon and the function, then restart them",
		"two configurations decide in turns (%s and %s, last at %s): each undoes what the other asks for", m.a, m.b, m.at.UTC().Format(time.RFC3339))
}

// checkCountDrift looks for a standby whose count is not what was asked for long ago.
func checkCountDrift(x *exam) verdict {
	const keep = "lifecycle { ignore_changes = [desired_count] }   # Terraform, in both services; leave DesiredCount out in CloudFormation"
	r := x.f.state.records[x.w.Name]
	for k := range x.w.Refs {
		p := x.f.pools[subjectOf(x.w, k)]
		if k == ownerOf(x.w) || p == nil || p.service == nil {
			continue
		}
		asked := r.State.Pool(p.policy.Name).Asked
		if asked == nil || !asked.Done || x.f.clock().Sub(asked.At) < 2*x.f.tick {
			continue
		}
		if got := int(p.service.DesiredCount); got != asked.Count {
			return bad(Warn, keep, "%s has desired count %d, backstop last asked for %d: something else writes it", p.ref.Service, got, asked.Count)
		}
	}
	return okay("as backstop left it; infrastructure as code must leave desired_count alone")
}

func checkDemandOwner(x *exam) verdict {
	owner := ownerOf(x.w)
	p := x.f.pools[subjectOf(x.w, owner)]
	demand, known := x.f.demand(x.w)
	fix := p.command("update-service") + " --desired-count N"
	switch {
	case x.w.Policy.Demand > 0:
		return okay("%d, fixed in the configuration", demand)
	case !known:
		return skip("the demand is not known")
	case demand == 0:
		return bad(Warn, fix, "nothing is wanted: %s has desired count 0", p.ref.Service)
	case p.policy.Capacity != spot:
		return bad(Warn, "owner: SPOT-POOL   # backstop.yaml", "the owner %s runs on demand: what it is asked for runs there, and Spot is never asked", p.ref.Service)
	}
	return okay("%d, by the desired count of %s", demand, p.ref.Service)
}

func checkCoverLimit(x *exam) verdict {
	demand, known := x.f.demand(x.w)
	room, bounded := 0, false
	pools := 0
	for i := range x.w.Policy.Pools {
		p := &x.w.Policy.Pools[i]
		if p.Capacity != onDemand {
			continue
		}
		pools++
		if p.Max == 0 {
			room = max(room, demand)
		} else {
			room, bounded = room+p.Max, true
		}
	}
	if n := x.w.Policy.OnDemandMax; n > 0 {
		room, bounded = min(max(room, n), n), true
	}
	switch {
	case pools == 0:
		return bad(Warn, "pools: [..., {name: standard, ..., capacity: FARGATE}]   # backstop.yaml; backstop init --twin SERVICE prints what makes it",
			"there is no on-demand pool: nothing covers a shortage")
	case !known:
		return skip("the demand is not known")
	case bounded && room < demand:
		return bad(Warn, fmt.Sprintf("on_demand_max: %d   # backstop.yaml, or the pools' max; a limit may be meant", demand), "at most %d on-demand tasks may run, the demand is %d: the rest stays short", room, demand)
	}
	return okay("on-demand may hold all %d", demand)
}

// startsLeast is how many starts say something about the slowest in a hundred; with fewer the slowest one is taken.
const startsLeast = 5

func checkStartUp(x *exam) verdict {
	took := x.started()
	if len(took) < startsLeast {
		return skip("%d running tasks are too few to measure", len(took))
	}
	at := func(share float64) time.Duration {
		return took[min(int(share*float64(len(took))), len(took)-1)].Round(time.Second)
	}
	p50, p99 := at(0.50), at(0.99)
	control := eventTime
	if x.f.events.url == "" {
		control = x.f.tick
	}
	text := fmt.Sprintf("of %d tasks half started within %s, nearly all within %s; with %s to notice and ask that is %s", len(took), p50, p99, control, p99+control)
	if p99+control > notice {
		return bad(Warn, "docs/tuning.md: smaller or lazily loaded images (SOCI), more memory for a slow start, or standing spare tasks: policy: {preset: fill, extra: N}",
			"%s, longer than the two-minute notice: an interruption leaves a gap", text)
	}
	return okay("%s", text)
}

// limitFactor is by how much start_limit should exceed the slowest normal start.
const limitFactor = 1.3

// checkStartLimit holds start_limit against what the running tasks took: below that normal starts count as late.
func checkStartLimit(x *exam) verdict {
	took := x.started()
	limit := x.w.Policy.StartLimit
	if len(took) < startsLeast {
		return skip("%d running tasks are too few to measure", len(took))
	}
	slowest := took[min(int(0.99*float64(len(took))), len(took)-1)].Round(time.Second)
	if want := time.Duration(limitFactor * float64(slowest)).Round(10 * time.Second); want > limit {
		return bad(Warn, fmt.Sprintf("start_limit: %s   # in the policy, backstop.yaml", want),
			"the slowest of %d tasks took %s to start, start_limit is %s: until it is learned, normal starts count as late", len(took), slowest, limit)
	}
	return okay("%s, the slowest of %d tasks took %s", limit, len(took), slowest)
}

// started returns how long the running tasks took to start, the quickest first.
func (x *exam) started() []time.Duration {
	var took []time.Duration
	for k := range x.w.Refs {
		if p := x.f.pools[subjectOf(x.w, k)]; p != nil {
			for i := range p.tasks {
				if t := &p.tasks[i]; t.CreatedAt != nil && t.StartedAt != nil {
					took = append(took, aws.ToTime(t.StartedAt).Sub(aws.ToTime(t.CreatedAt)))
				}
			}
		}
	}
	slices.Sort(took)
	return took
}
