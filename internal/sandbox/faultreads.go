package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// staleDefault is how old a read may be after a write under a fault of the kind stale_reads that names nothing else.
const staleDefault = time.Second

// checkReads refuses keys that mean nothing to the faults of reads.
func (f *Fault) checkReads() error {
	switch f.Kind {
	case FaultStaleReads:
		if f.Operation != "" || f.Region != "" || f.Share != 0 || f.Count != 0 {
			return errors.New("operation, region, share, count: a fault of the kind stale_reads is about every read of ECS")
		}
	case FaultMissing:
		if f.Operation != "" {
			return errors.New("operation: a fault of the kind missing_service is about ecs:DescribeServices alone")
		}
	default:
		if f.Service != "" {
			return errors.New("service: belongs to the kind missing_service")
		}
	}
	if _, err := path.Match(f.Service, ""); err != nil {
		return errors.New("service: is not a pattern")
	}
	return nil
}

// asks reports whether a call is a DescribeServices that names a service which the fault makes missing.
func (f *Fault) asks(c *call) bool {
	if c.service != serviceECS || c.operation != "DescribeServices" || f.Region != "" && f.Region != c.region {
		return false
	}
	var in describeServicesInput
	return json.Unmarshal(c.body, &in) == nil && slices.ContainsFunc(in.Services, f.hides)
}

// hides reports whether the fault makes a service missing, by name or ARN.
func (f *Fault) hides(nameOrARN string) bool {
	if f.Service == "" {
		return true
	}
	matched, err := path.Match(f.Service, nameOrARN[lastSlash(nameOrARN)+1:])
	return err == nil && matched
}

// hide takes services out of the answer to DescribeServices and says MISSING of them.
func (f *Fault) hide(out any) {
	answer, ok := out.(*describeServicesOutput)
	if !ok || answer == nil {
		return
	}
	answer.Services = slices.DeleteFunc(answer.Services, func(v serviceJSON) bool {
		if !f.hides(v.ServiceName) {
			return false
		}
		answer.Failures = append(answer.Failures, failureJSON{ARN: v.ServiceArn, Reason: "MISSING"})
		return true
	})
}

// staleness is what faults of the kind stale_reads have made of the world's lag of reads.
type staleness struct {
	lag    time.Duration    // 0: none is in force
	before [2]time.Duration // the lags of reads after writes and after StopTask without them
}

// staleLocked brings the lag of reads in line with the faults in force.
func (s *Sandbox) staleLocked() {
	var lag time.Duration
	for _, f := range s.faults {
		if f.Kind == FaultStaleReads {
			lag = max(lag, cmp.Or(time.Duration(f.LatencySeconds*float64(time.Second)), staleDefault))
		}
	}
	if lag == s.stale.lag {
		return
	}
	s.world.Configure(func(c *ecsim.Config) {
		if s.stale.lag == 0 {
			s.stale.before = [2]time.Duration{c.ReadLag, c.StopLag}
		}
		c.ReadLag, c.StopLag = lag, lag
		if lag == 0 {
			c.ReadLag, c.StopLag = s.stale.before[0], s.stale.before[1]
		}
	})
	s.stale.lag = lag
}
