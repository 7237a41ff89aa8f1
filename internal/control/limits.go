package control

import "time"

// Limits of the pass and of the loop around it. Everything that could grow or hang has one, and its reason.
const (
	// TickDefault is how often every workload is looked at when nothing happens: EventBridge's own finest
	// schedule, so that the daemon and a scheduled function behave alike.
	TickDefault = time.Minute
	// TickMin bounds the tick from below; at high sandbox speeds a minute of the world is some milliseconds.
	TickMin = 5 * time.Millisecond

	// PassDeadline bounds a pass from loading to committing. Three slow reads (describe, list, scaling) of
	// LookTimeout each do not fit on purpose: so slow a region is better looked at afresh.
	PassDeadline = 30 * time.Second
	// LookTimeout bounds each call of a read, the SDK's retries included, and the description of the services as a whole.
	LookTimeout = 10 * time.Second
	// closerTimeout bounds the closer look as a whole: several reads that may wait for the account's budget of calls.
	closerTimeout = 15 * time.Second
	// turnTimeout bounds the waiting for the right to change services, of which ECS allows five a second in an account; a workload that
	// others with more missing tasks keep waiting for longer is looked at again. A look that is lookOld by the time of its turn is made again.
	turnTimeout = 8 * time.Second
	lookOld     = time.Second
	// silentTimeout is how long a pass waits for an account that did not answer within LookTimeout the last time: what can
	// be read elsewhere is to be covered within seconds. The call goes on beside it with all patience.
	silentTimeout = 2 * time.Second
	// StoreTimeout bounds each use of the store.
	StoreTimeout = 10 * time.Second
	// ActDeadline bounds the carrying out of a decision, counted from the moment that the lease is counted
	// from. ActTimeout bounds one action of it.
	ActDeadline = 10 * time.Second
	ActTimeout  = 5 * time.Second
	// LeaseFor is how long a lease runs. It outlives ActDeadline by a call that was cut off but still arrives
	// (ActTimeout) and by clocks that differ (5 s), so that nobody starts while a slow pass may still act.
	LeaseFor = ActDeadline + ActTimeout + 5*time.Second
	// ReleaseTimeout bounds the commit of the outcome, which also gives back the lease; it is tried even
	// when the loop is told to stop. A lease that was not given back runs out by itself.
	ReleaseTimeout = 3 * time.Second
	// StopGrace is how long a pass in flight may go on once the loop is told to stop: less than the ten
	// seconds that container runtimes and service managers commonly leave between SIGTERM and SIGKILL.
	StopGrace = 5 * time.Second

	// HeartbeatEvery is how often a quiet workload's state is written all the same, so that whoever reads the
	// store can tell a quiet daemon from a dead one. Twelve writes an hour cost half a cent a month in DynamoDB.
	HeartbeatEvery = 5 * time.Minute

	// parallelMax bounds the commits that are under way at a time. Calls of ECS are limited by the adapter; this bounds open connections.
	parallelMax = 16
	// passesMax bounds the passes in flight, so that a hanging region leaves room for the others.
	passesMax = 64
	// regularMax bounds those of them that look at a chunk because its tick has come: their calls are in half of ECS's burst, and wait for nothing.
	regularMax = 2
	// chunkMax is how many workloads one pass of the tick takes: with two pools each 20 DescribeServices
	// calls of ten, a fifth of ECS's burst, so that a pass woken by an event never queues for long.
	chunkMax = 100
	// chunkStagger is the time between the chunks' first passes after the start.
	chunkStagger = 50 * time.Millisecond
	// passGap is the least time between the starts of two passes of one workload. A burst of events that
	// arrives over some tenths of a second so becomes a few passes and not one for each message, and the
	// last of them still waits for less than a tenth of a second.
	passGap = 50 * time.Millisecond
	// passGapIdle is the same after a pass that events woke for nothing: each interruption comes as four or
	// five events within seconds. passGapQuiet is for events that call for no cover (tasks that start, stop
	// for a deployment, reach a steady state), so that a deployment of hundreds of tasks does not use up the
	// calls that ECS allows.
	passGapIdle  = 500 * time.Millisecond
	passGapQuiet = 2 * time.Second
	// signalsMax bounds the signals that one pass takes; the rest waits for the next. It is as many as the
	// evidence window can hold.
	signalsMax = 1000

	// BatchMax is how many messages one receive gives at most: SQS's limit.
	BatchMax = 10
	// receiveWait is the long poll: SQS's greatest.
	receiveWait = 20 * time.Second
	// After a full batch the receiver goes on with drainParallel receives at a time until a round brings
	// nothing, drainBatches batches have come or drainFor has passed; only then a pass begins. 400 messages
	// are twice the burst that the product is measured with; 10 ms are what the first of them may wait. The
	// pass looks for itself anyway: it covers what the messages still in the queue would tell it.
	drainParallel = 4
	drainBatches  = 40
	drainFor      = 10 * time.Millisecond
	// drainLate is how late a receive of the drain may end: one that is cut off leaves its messages invisible
	// until their visibility timeout, so it is cut only when it hangs.
	drainLate = time.Second
	// messagesMax bounds the messages that are held while their workloads cannot be dealt with (a store that
	// is down); beyond it nothing is received, and SQS keeps the rest.
	messagesMax = 10_000

	// retryFirst and retryMax bound the back-off after something failed: it doubles from the one to the other.
	retryFirst = time.Second
	retryMax   = 30 * time.Second
	// lookSoonest is the least time, in AWS's seconds, before a decision's own wish to be looked at again.
	lookSoonest = time.Second
	// presenceEvery is how often a program says to the others over its store that it runs: 90,000 small writes a month, 11 cents in
	// DynamoDB. One that has not for presenceFor is not reckoned with. presenceTries bounds the tries against others that write at the same time.
	presenceEvery = 30 * time.Second
	presenceFor   = 80 * time.Second
	presenceTries = 5
	// peekEvery is how often a store that can tell is asked for commits of others.
	peekEvery = time.Second
	// reportsMax bounds the reports that wait to be told; more are dropped and counted.
	reportsMax = 4096
	// intentTries and intentWait bound how long an operator's command waits for a pass to finish: longer
	// than LeaseFor, so that a lease left behind by a crash runs out meanwhile.
	intentTries = 100
	intentWait  = 250 * time.Millisecond
)
