// Package drill rehearses a loss on the real services of a workload: it stops some of its Spot tasks in the way of an interruption, and
// measures by AWS's own answers and the journal what follows, until the workload is as it was.
//
// StopTask with the reason [ecsevent.DrillReason] is what a Spot interruption is to the application and to ECS: SIGTERM, at most stopTimeout,
// SIGKILL, a replacement by the service. The event that ECS makes of it goes the way of every event, and the guard takes it for an
// interruption by its reason. What a drill does not show is a Spot that has no room.
package drill
