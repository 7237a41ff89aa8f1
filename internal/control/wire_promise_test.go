package control_test

import (
	"fmt"
	"math"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// covered holds that what is missing is asked of on-demand within a time.
func (s *scene) covered(within time.Duration) {
	s.t.Helper()
	begun := time.Now()
	if !s.until(within, func() bool { return s.in(0)+s.asked(1) >= s.want }) {
		s.t.Errorf("after %s %d are in service on Spot and %d are asked of on-demand, %d are wanted; %s", within, s.in(0), s.asked(1), s.want, s.why())
		return
	}
	s.t.Logf("covered after %s", time.Since(begun))
}

// whole holds that all that is wanted is in service within a time.
func (s *scene) whole(within time.Duration) {
	s.t.Helper()
	begun := time.Now()
	if !s.until(within, func() bool { return s.in(0)+s.in(1) >= s.want }) {
		s.t.Errorf("after %s %d + %d of %d are in service; %s", within, s.in(0), s.in(1), s.want, s.why())
		return
	}
	s.t.Logf("whole after %s", time.Since(begun))
}

// gone holds that on-demand is given back within a time.
func (s *scene) gone(within time.Duration) {
	s.t.Helper()
	begun := time.Now()
	if !s.until(within, func() bool { return s.asked(1) == 0 }) {
		s.t.Errorf("after %s on-demand is still asked for %d; %s", within, s.asked(1), s.why())
		return
	}
	s.t.Logf("given back after %s", time.Since(begun))
}

// keeps holds that no fewer than n were in service since fresh.
func (s *scene) keeps(n int) {
	s.t.Helper()
	if s.low.inService < n {
		s.t.Errorf("%d were in service at the least, want %d; %s", s.low.inService, n, s.why())
	}
}

// bounded holds that on-demand was asked for no more than the bound on raises for a need since fresh.
func (s *scene) bounded(need int) {
	s.t.Helper()
	p := s.loop.Workloads[0].Policy
	surplus := int(math.Ceil(p.Overstart * max(float64(need), 2.5*math.Sqrt(float64(need)))))
	s.atMost(max(2*need, need+surplus+2))
}

func (s *scene) atMost(n int) {
	s.t.Helper()
	if s.low.cover > n {
		s.t.Errorf("on-demand was asked for %d, %d at most are right; %s", s.low.cover, n, s.why())
	}
}

// untouched holds that the owner's count was not written since fresh.
func (s *scene) untouched() {
	s.t.Helper()
	if s.low.owner < s.want || s.asked(0) != s.want {
		s.t.Errorf("the owner's count went down to %d and is %d, %d are wanted", s.low.owner, s.asked(0), s.want)
	}
}

// told holds that one of some reasons is named within a time, or was since hush.
func (s *scene) told(within time.Duration, reasons ...failover.Reason) {
	s.t.Helper()
	if !s.until(within, func() bool { return s.said(reasons...) }) {
		s.t.Errorf("%v was not said; %s", reasons, s.why())
	}
}

func (s *scene) untold(reasons ...failover.Reason) {
	s.t.Helper()
	if s.said(reasons...) {
		s.t.Errorf("one of %v was said, and is not so", reasons)
	}
}

func (s *scene) said(reasons ...failover.Reason) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range reasons {
		if at := s.saidAt[r]; !at.IsZero() && !at.Before(s.since) {
			return true
		}
	}
	return false
}

// critical reports whether a notice of a reason is due, as critical.
func (s *scene) critical(reason failover.Reason) bool {
	r := s.report()
	for _, n := range r.Decision.Notices {
		if n.Reason == reason && n.Severity == failover.Critical {
			return true
		}
	}
	return false
}

// why is the last decision in a line.
func (s *scene) why() string {
	d := s.report().Decision
	text := fmt.Sprintf("at %s decided %s: demand %d, in service %s, missing %s, need %d", d.At.Format(time.TimeOnly), d.Reason, d.Demand, d.InService, d.Missing, d.Need)
	for _, p := range d.Pools {
		text += fmt.Sprintf("; %s %s %d/%d in service %s ask %d late %d", p.Pool, p.Sight, p.Running, p.Desired, p.InService, p.Ask, p.Late)
	}
	for _, f := range d.Findings {
		text += "; " + wording.Finding(&f)
	}
	return text
}
