package failover

import "time"

// Limits of the core. Everything that could grow has one, and its reason.
const (
	// EvidenceMax bounds the evidence window. Thresholds are tens of events; a thousand entries of about 200
	// bytes stay below the 400 KB that one DynamoDB item may hold.
	EvidenceMax = 1000
	// waitingMax bounds the tasks that are remembered as not yet in service; more of them count as served.
	waitingMax = 600
	// demandLogMax bounds the recent changes of demand; autoscaling steps are a minute apart at least.
	demandLogMax = 32
	// ServiceTasksMax is ECS's own limit of tasks per service (service quota, default 5,000).
	ServiceTasksMax = 5000
	// failoversMax bounds the remembered failovers of a day.
	failoversMax = 64
	// drainsMax bounds how many targets one pass drains.
	drainsMax = 20
)

// Times of the law. Each is a fact about ECS, or follows from one.
const (
	// noticedFor is how long after an interruption the pool's tasks are listed at every pass: the notice is
	// two minutes, and the stop may take a little longer to show.
	noticedFor = 3 * time.Minute
	// leavingFor is how long after its count was set a pool's tasks are listed at every pass: ECS counts a task that it
	// stops as running until it has stopped, within the stop timeout (at most two minutes on Fargate).
	leavingFor = 150 * time.Second
	// evidenceFor is how long evidence counts at least.
	evidenceFor = 15 * time.Minute
	// healthWindow is the article's window for its health score.
	healthWindow = 5 * time.Minute
	// healthEvery is how often the readiness of a quiet workload is read.
	healthEvery = 5 * time.Minute
	// warmingLook is how often readiness is read while tasks that a gap waits for warm up: a target group's own interval.
	warmingLook = 5 * time.Second
	// spendGapMax bounds the time between two passes that is charged to the month's on-demand use: what
	// ran during a longer silence is not known.
	spendGapMax = time.Hour
	// placeFor is how long ECS may take to place a task that it has room for: it does so within seconds.
	placeFor = 30 * time.Second
	// failingFor is how long the stop of a task that never ran excuses that it is missing: ECS backs off from failing
	// tasks for up to 27 minutes (service throttle logic).
	failingFor = 30 * time.Minute
	// launchRate is how many tasks of a service ECS launches a minute at least: 500 in large regions, 125 in the smallest
	// (service quotas, "Rate of tasks launched by a service on Fargate").
	launchRate = 125
	// refusedFor is how long the calls that raise an on-demand pool must fail for the next one to be asked instead: some
	// retries of a pass that was throttled.
	refusedFor = 10 * time.Second
	// clockBack is how far an observation may lie before the last one without being called a clock jump:
	// two readers' answers may come back in the wrong order.
	clockBack = 2 * time.Minute
	// unlookedMax is how long after the last look a pool's silence is not taken to have lasted: nothing was watching.
	// Whoever keeps states writes when a workload was looked at every five minutes (control.HeartbeatEvery).
	unlookedMax = 6 * time.Minute
	// reclaimMemory is over what time past interruptions lose their weight in sharing out a tier: shortages last hours.
	reclaimMemory = 6 * time.Hour
	// skipAfterFailure is how long a pool of a tier is passed over after a failed launch: a zone that could not place a task
	// seldom can within five minutes, and its neighbours can.
	skipAfterFailure = 5 * time.Minute
	// releaseEvery keeps calls few while many tasks return one after the other. In simulation 5 s costs 0.03 % less than 15 s.
	releaseEvery = 5 * time.Second
	// lateAfter is the age at which a task is late though it is within its limit, when one that was created lateMargin later is in
	// service already; tasks launched together are not younger than one another.
	lateAfter  = 90 * time.Second
	lateMargin = 30 * time.Second
	// GoneAfter is how far apart two answers must be that say that a service does not exist: one may be a read that is behind.
	GoneAfter = 15 * time.Second
	// confirmFor is how long cover for a service that does not exist any more stays without a person's word.
	confirmFor = 24 * time.Hour
	// deniedFor is how long health must be denied until the running time stands in for it, and deniedReady the least such time.
	deniedFor   = 15 * time.Minute
	deniedReady = 10 * time.Minute
	// FallHold is how long a fall of demand in a gap lowers no cover, and fallPerMinute how much of it does after that.
	FallHold      = 5 * time.Minute
	fallPerMinute = 0.25
	// liftedFor is how long after a scalable target was parked its former minimum may yet show as a count: AWS had lifted it before.
	liftedFor = 5 * time.Minute
	// riseUnit is the start-up time that a rise in a gap is measured in while none was learned.
	riseUnit = 2 * time.Minute
	// warningFor is how long a warned task works on at most (Fargate capacity providers: the two-minute warning).
	warningFor = 2 * time.Minute
	// worksOn is how long warned tasks must have been seen to work on for a loss to wait for the proof of its replacement.
	worksOn = time.Minute
)

var zeroTime time.Time

// launching is how long ECS may take to launch n tasks.
func launching(n int) time.Duration { return time.Duration(n) * time.Minute / launchRate }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// after is a moment d after t, zero when there is no t.
func after(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d)
}

func clamp[T int | float64](x, low, high T) T { return max(low, min(x, high)) }
