package failover

import "time"

// Limits of the core. Everything that could grow has one, and its reason.
const (
	// EvidenceMax bounds the evidence window. Thresholds are tens of events; a thousand entries of about 150
	// bytes stay far below the 400 KB that one DynamoDB item may hold.
	EvidenceMax = 1000
	// demandLogMax bounds the recent changes of demand; autoscaling steps are a minute apart at least.
	demandLogMax = 32
	// oldCountsMax bounds how many superseded counts a stale read may be recognised by.
	oldCountsMax = 8
	// stuckStopsMax bounds how many stuck tasks one pass stops, so that a broken release is not turned into a
	// storm of StopTask calls.
	stuckStopsMax = 10
	// ServiceTasksMax is ECS's own limit of tasks per service (service quota, default 5,000).
	ServiceTasksMax = 5000
	// failoversMax bounds the remembered failovers of a day.
	failoversMax = 64
	// noticedFor is how long after an interruption the pool's tasks are listed at every pass: the notice is
	// two minutes, and the stop may take a little longer to show.
	noticedFor = 3 * time.Minute
	// outdatedAfter is from which age on a state that does not know of cover is taken to be older than it: several times
	// what lies between two passes, or two heartbeats.
	outdatedAfter = 15 * time.Minute
	// leavingFor is how long after its count was set a pool's tasks are listed at every pass: ECS counts a task that it
	// stops as running until it has stopped, within the stop timeout (at most two minutes on Fargate).
	leavingFor = 150 * time.Second
	// healthWindow is the article's window for its health score.
	healthWindow = 5 * time.Minute
	// spendGapMax bounds the time between two passes that is charged to the month's on-demand use: what
	// ran during a longer silence is not known.
	spendGapMax = time.Hour
	// fullAfter is how long tasks may be missing from a pool of a tier before the others are asked for them:
	// several times what ECS takes to place a task when there is room (it does so within seconds).
	fullAfter = 30 * time.Second
	// launchRate is how many tasks of a service ECS launches a minute at least: 500 in large regions, 125 in the smallest
	// (service quotas, "Rate of tasks launched by a service on Fargate").
	launchRate = 125
	// launchGap is how long ECS pauses at most between two launches that a rise of demand has asked for.
	launchGap = 10 * time.Second
	// lateFor is how long after it was replaced by another a call that was cut off may still take effect, with room to spare
	// (control.ActTimeout).
	lateFor = 10 * time.Second
	// refusedFor is how long the calls that raise an on-demand pool must fail for the next one to be asked instead: some
	// retries of a pass that was throttled.
	refusedFor = 10 * time.Second
	// clockBack is how far an observation may lie before the last one without being called a clock jump:
	// two readers' answers may come back in the wrong order.
	clockBack = 2 * time.Minute
)

// unlookedMax is how long after the last look that is known of a pool's silence is not taken to have lasted: nobody
// looked. Whoever keeps states writes when a workload was looked at every five minutes (control.HeartbeatEvery).
const unlookedMax = 6 * time.Minute

var zeroTime time.Time
