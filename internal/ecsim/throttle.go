package ecsim

import (
	"math"
	"time"
)

// bucket is a token bucket that is filled when it is looked at.
type bucket struct {
	rate   Rate
	tokens float64
	at     moment
}

func (b *bucket) fill(now moment) {
	b.tokens = min(b.rate.Burst, b.tokens+float64(now-b.at)/1e9*b.rate.PerSecond)
	b.at = now
}

// tokenDust forgives rounding, so that a token is there at the moment that wait has named.
const tokenDust = 1e-6

func (b *bucket) take(now moment) bool {
	b.fill(now)
	if b.tokens < 1-tokenDust {
		return false
	}
	b.tokens--
	return true
}

// wait returns the moment at which a token will be there.
func (b *bucket) wait(now moment) moment {
	b.fill(now)
	if b.tokens >= 1-tokenDust {
		return now
	}
	return now + moment(math.Ceil((1-b.tokens)/b.rate.PerSecond*1e9))
}

// group is one of the API's throttling buckets.
type group int

const (
	serviceModify group = iota
	serviceRead
	clusterResourceRead
	clusterResourceModify
	fargateRunTask
	taskProtection
	definitionModify
	definitionRead
	clusterModify
	clusterRead
	deploymentRead
	tagRead
	tagModify
	balancingRead
	balancingTargets
	groupCount
	ungrouped group = -1
)

// apiRates are burst and sustained rate of each bucket, per account and region ("request throttling" of the ECS API reference, and of the
// Elastic Load Balancing user guide for its reads; changes of targets as the AWS Load Balancer Controller limits itself).
var apiRates = [groupCount]Rate{
	serviceModify: {50, 5}, serviceRead: {100, 20}, clusterResourceRead: {100, 20}, clusterResourceModify: {100, 40},
	fargateRunTask: {20, 20}, taskProtection: {200, 80}, definitionModify: {20, 1}, definitionRead: {50, 20},
	clusterModify: {20, 1}, clusterRead: {50, 20}, deploymentRead: {50, 20}, tagRead: {50, 20}, tagModify: {20, 10},
	balancingRead: {40, 10}, balancingTargets: {20, 4},
}

func groupOf(op string) group {
	switch op {
	case "CreateService", "UpdateService", "DeleteService":
		return serviceModify
	case "DescribeServices", "ListServices":
		return serviceRead
	case "ListTasks", "DescribeTasks":
		return clusterResourceRead
	case "RunTask", "StopTask", "StartTask":
		return clusterResourceModify
	case "GetTaskProtection", "UpdateTaskProtection":
		return taskProtection
	case "RegisterTaskDefinition", "DeregisterTaskDefinition":
		return definitionModify
	case "DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies":
		return definitionRead
	case "CreateCluster", "DeleteCluster", "UpdateCluster":
		return clusterModify
	case "DescribeClusters", "ListClusters":
		return clusterRead
	case "DescribeServiceDeployments", "ListServiceDeployments", "DescribeServiceRevisions":
		return deploymentRead
	case "ListTagsForResource":
		return tagRead
	case "TagResource", "UntagResource":
		return tagModify
	case "DescribeTargetGroups", "DescribeTargetHealth", "DescribeTargetGroupAttributes", "DescribeLoadBalancers", "DescribeListeners", "DescribeRules":
		return balancingRead
	case "RegisterTargets", "DeregisterTargets":
		return balancingTargets
	}
	return ungrouped
}

// Allow takes a token for one call of an operation and returns ThrottlingException when the bucket is empty. With Config.Throttle
// off, and for operations outside the published table, it always says yes (A30).
func (w *World) Allow(regionName, op string) error {
	g := groupOf(op)
	if !w.cfg.Throttle || g == ungrouped {
		return nil
	}
	r := w.region(regionName)
	if !r.buckets[g].take(w.now) || op == "RunTask" && !r.buckets[fargateRunTask].take(w.now) {
		return throttled()
	}
	return nil
}

func throttled() *APIError { return clientError("ThrottlingException", "Rate exceeded") }

// Fault is trouble that API calls meet.
type Fault struct {
	Region string    // "" for all
	Op     string    // operation, "" for all
	Share  float64   // share of calls that fail; 0 means all
	Times  int       // how many calls fail before the fault is over; 0 means no limit
	Until  time.Time // end; zero means none
	Err    APIError  // what the call gets; its zero Status means 400
}

// maxFaults bounds the faults in force; more than that pushes out the oldest.
const maxFaults = 1000

// Fail puts a fault in force.
func (w *World) Fail(f Fault) {
	if len(w.faults) == maxFaults {
		w.faults = w.faults[1:]
	}
	if f.Err.Status == 0 {
		f.Err.Status = 400
	}
	w.faults = append(w.faults, f)
}

// ClearFaults ends all faults.
func (w *World) ClearFaults() { w.faults = nil }

// Fault returns the error that this call of an operation meets, or nil. Whoever serves the API asks before each call.
func (w *World) Fault(regionName, op string) *APIError {
	now := w.Now()
	for i := 0; i < len(w.faults); i++ {
		f := &w.faults[i]
		if !f.Until.IsZero() && !now.Before(f.Until) {
			w.faults = append(w.faults[:i], w.faults[i+1:]...)
			i--
			continue
		}
		if f.Region != "" && f.Region != regionName || f.Op != "" && f.Op != op {
			continue
		}
		if f.Share > 0 && w.faulting.Float64() >= f.Share {
			continue
		}
		err := f.Err
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				w.faults = append(w.faults[:i], w.faults[i+1:]...)
			}
		}
		return &err
	}
	return nil
}
