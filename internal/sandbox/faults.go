package sandbox

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// faultsMax is how many faults can be set at a time.
const faultsMax = 100

// FaultKind is what goes wrong with a call.
type FaultKind string

// The faults of the road between a program and AWS.
const (
	FaultThrottle    FaultKind = "throttle"     // the service's throttling error; no effect
	FaultServerError FaultKind = "server_error" // HTTP 500 in the service's own words; no effect
	FaultDenied      FaultKind = "denied"       // access denied; no effect
	FaultLatency     FaultKind = "latency"      // answered later
	FaultLostAnswer  FaultKind = "lost_answer"  // takes effect, but the connection dies without an answer
	FaultLateError   FaultKind = "late_error"   // takes effect, and answers HTTP 500 all the same

	FaultStaleReads FaultKind = "stale_reads"       // reads of ECS are older than writes
	FaultMissing    FaultKind = "missing_service"   // DescribeServices says MISSING of services that are there
	FaultNoCluster  FaultKind = "cluster_not_found" // ECS does not know the cluster; no effect
)

var faultKinds = []FaultKind{FaultThrottle, FaultServerError, FaultDenied, FaultLatency, FaultLostAnswer, FaultLateError,
	FaultStaleReads, FaultMissing, FaultNoCluster}

// Fault strikes some AWS calls. The steering routes are never struck.
type Fault struct {
	ID   int       `json:"id"`
	Kind FaultKind `json:"kind"`
	// Operation is a pattern for names like ecs:UpdateService, with * and ?; empty: every call.
	Operation string `json:"operation,omitempty"`
	Region    string `json:"region,omitempty"` // empty: every region
	// Share is the share of the matching calls that are struck, 0..1; 0 means 1.
	Share float64 `json:"share,omitempty"`
	// Count is how many calls are struck before the fault is over; 0: no limit.
	Count int `json:"count,omitempty"`
	// Service is a pattern for the names of the services that the kind missing_service hides; empty: all of the call.
	Service string `json:"service,omitempty"`
	// LatencySeconds is how much later a call takes effect and is answered, in virtual seconds (real ones when the
	// clock is manual or paused), for the kind latency; for stale_reads how old reads may be, in virtual seconds, 0 being one.
	LatencySeconds float64 `json:"latency_seconds,omitempty"`
	// Until is the virtual time at which the fault is over; zero: never.
	Until time.Time `json:"until,omitzero"`
	// Struck counts the calls struck so far.
	Struck int `json:"struck"`
}

func (f *Fault) check() error {
	switch {
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("kind: must be one of %v (got %q)", faultKinds, f.Kind)
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share: must be 0 to 1 (got %v)", f.Share)
	case f.Count < 0:
		return fmt.Errorf("count: must not be negative (got %d)", f.Count)
	case f.LatencySeconds < 0 || f.LatencySeconds > 600:
		return fmt.Errorf("latency_seconds: must be 0 to 600 (got %v)", f.LatencySeconds)
	case f.Kind != FaultStaleReads && (f.Kind == FaultLatency) != (f.LatencySeconds > 0):
		return fmt.Errorf("latency_seconds: belongs to the kind latency, which needs it")
	}
	if err := f.checkReads(); err != nil {
		return err
	}
	if _, err := path.Match(f.Operation, ""); err != nil {
		return fmt.Errorf("operation: %w (got %q)", err, f.Operation)
	}
	return nil
}

// AddFault sets a fault and returns its id.
func (s *Sandbox) AddFault(f Fault) (int, error) {
	if err := f.check(); err != nil {
		return 0, fmt.Errorf("add fault: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) >= faultsMax {
		return 0, fmt.Errorf("add fault: %d are set, no more fit", faultsMax)
	}
	s.faultID++
	f.ID, f.Struck = s.faultID, 0
	s.faults = append(s.faults, &f)
	s.catchUpLocked()
	s.staleLocked()
	return f.ID, nil
}

// ClearFaults ends one fault, or with id 0 all of them, and returns how many that were.
func (s *Sandbox) ClearFaults(id int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.faults)
	s.faults = slices.DeleteFunc(s.faults, func(f *Fault) bool { return id == 0 || f.ID == id })
	s.catchUpLocked()
	s.staleLocked()
	return before - len(s.faults)
}

// trouble is what the faults and the token buckets do to one call.
type trouble struct {
	latency time.Duration // real
	before  *apiError     // instead of the effect
	after   *apiError     // instead of the answer
	lost    bool
	hiding  []*Fault // make services of the answer missing
}

// strikeLocked draws what happens to a call: the faults set here, those of the model, then ECS's token buckets.
func (s *Sandbox) strikeLocked(c *call) trouble {
	var t trouble
	name := c.service + ":" + c.operation
	s.faults = slices.DeleteFunc(s.faults, func(f *Fault) bool {
		return (f.Count > 0 && f.Struck >= f.Count) || (!f.Until.IsZero() && !c.now.Before(f.Until))
	})
	s.staleLocked()
	for _, f := range s.faults {
		if !f.strikes(c, name) || (f.Share > 0 && s.rand.Float64() >= f.Share) {
			continue
		}
		f.Struck++
		switch f.Kind {
		case FaultLatency:
			wait := time.Duration(f.LatencySeconds * float64(time.Second))
			if !s.clock.still() {
				wait = time.Duration(float64(wait) / s.clock.speed)
			}
			t.latency += wait
		case FaultLostAnswer:
			t.lost = true
		case FaultLateError:
			t.after = serverFault(c.service)
		case FaultThrottle:
			t.before = throttled(c.service)
		case FaultServerError:
			t.before = serverFault(c.service)
		case FaultMissing:
			t.hiding = append(t.hiding, f)
		case FaultNoCluster:
			t.before = refuse("ClusterNotFoundException", "Cluster not found.")
		case FaultDenied:
			t.before = denied(c.service, name, s.account())
		}
	}
	if t.before != nil || c.service != serviceECS && c.service != serviceELB {
		return t
	}
	if fault := s.world.Fault(c.region, c.operation); fault != nil && c.service == serviceECS {
		t.before = asAPIError(fault)
		return t
	}
	if err := s.world.Allow(c.region, c.operation); err != nil {
		t.before = asAPIError(err)
	}
	return t
}

// strikes reports whether a fault is about a call, whatever its share.
func (f *Fault) strikes(c *call, name string) bool {
	switch f.Kind {
	case FaultStaleReads:
		return false // is in the world, not in a call
	case FaultMissing:
		return f.asks(c)
	case FaultNoCluster:
		return c.service == serviceECS && f.matches(name, c.region)
	}
	return f.matches(name, c.region)
}

func (f *Fault) matches(name, region string) bool {
	if f.Region != "" && f.Region != region {
		return false
	}
	if f.Operation == "" || strings.EqualFold(f.Operation, name) {
		return true
	}
	matched, err := path.Match(f.Operation, name)
	return err == nil && matched
}

func throttled(service string) *apiError {
	switch service {
	case serviceSQS:
		return &apiError{Code: "RequestThrottled", QueryCode: "RequestThrottled", Message: "Rate exceeded"}
	case serviceSNS, serviceSTS, serviceELB, serviceAlarms:
		return refuse("Throttling", "Rate exceeded")
	case serviceQuotas:
		return refuse("TooManyRequestsException", "Rate exceeded")
	default:
		return refuse("ThrottlingException", "Rate exceeded")
	}
}

func serverFault(service string) *apiError {
	code := "InternalFailure"
	switch service {
	case serviceECS:
		code = "ServerException"
	case serviceScaling:
		code = "InternalServiceException"
	case serviceQuotas:
		code = "ServiceException"
	case serviceEvents:
		code = "InternalException"
	case serviceSNS:
		code = "InternalError"
	}
	return &apiError{Code: code, Message: "Service Unavailable. Please try again later.", Status: http.StatusInternalServerError, QueryCode: ""}
}

func denied(service, name, account string) *apiError {
	e := &apiError{Code: "AccessDeniedException", Message: "User: arn:aws:iam::" + account + ":user/sandbox is not authorized to perform: " + name +
		" because no identity-based policy allows the " + name + " action"}
	switch service {
	case serviceSQS:
		e.QueryCode, e.Status = "AccessDenied", http.StatusForbidden
	case serviceSNS:
		e.Code, e.Status = "AuthorizationError", http.StatusForbidden
	case serviceSTS, serviceELB, serviceAlarms:
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
	}
	return e
}
