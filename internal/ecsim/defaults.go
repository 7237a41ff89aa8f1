package ecsim

import "time"

// Limits of ECS and of the model.
const (
	maxTasksPerService = 5000
	maxRunTask         = 10
	maxProtectedTasks  = 10
	maxServiceMessages = 100
	idsPerMessage      = 10
	maxProviders       = 20
	maxZones           = 16
	maxPercent         = 1000
	maxStopTimeout     = 120 * time.Second
	minStopTimeout     = 2 * time.Second
	maxUndrained       = 1 << 20 // events kept for Drain; older ones are dropped beyond that
	launchWindow       = time.Minute
	breakerMin         = 3
	breakerMax         = 200
	deactivateAfter    = time.Second // from desired status STOPPED to DEACTIVATING in an orderly stop
	sigtermAfter       = time.Second // from DEACTIVATING to STOPPING, when SIGTERM is sent
)

// withDefaults fills every zero field and turns negative values, which mean none, into zero.
func (c Config) withDefaults() Config {
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	}
	if c.Account == "" {
		c.Account = "123456789012"
	}
	c.StartUp = c.StartUp.withDefaults(StartUp{P50: 90 * time.Second, P95: 120 * time.Second, P99: 138 * time.Second})
	for _, d := range []struct {
		field    *time.Duration
		standard time.Duration
	}{
		{&c.StopTimeout, 30 * time.Second}, {&c.ObeyTime, time.Second}, {&c.DrainTime, 20 * time.Second},
		{&c.WarningTime, 120 * time.Second}, {&c.ReplaceDelay, 5 * time.Second}, {&c.SchedulerDelay, time.Second},
		{&c.HealthyAfter, 40 * time.Second}, {&c.DeploymentSettle, 88 * time.Second}, {&c.CompletionLag, 25 * time.Second},
		{&c.DeferredCleanup, 5 * time.Minute}, {&c.StageTime, 10 * time.Second}, {&c.StageLimit, 24 * time.Hour},
		{&c.SteadyRepeat, 6 * time.Hour}, {&c.PlacementSilence, 46 * time.Minute}, {&c.HungMean, 498 * time.Second},
		{&c.HungMax, 23 * time.Minute}, {&c.KeepStopped, time.Hour}, {&c.LaunchSpacing, 0}, {&c.ReadLag, 0}, {&c.StopLag, 0}, {&c.RegistersAgain, 0},
		{&c.MinimumBilled, time.Minute}, {&c.EarlyStop, 0}, {&c.KeepInactive, time.Hour}, {&c.NewServiceLag, 0},
		{&c.NLBRegistration, 90 * time.Second}, {&c.DeregistrationWait, time.Hour},
		{&c.SpotDeregistration.After, 0}, {&c.Delivery.DuplicateBy, time.Minute}, {&c.Delivery.ReorderBy, 30 * time.Second},
	} {
		*d.field = orDefault(*d.field, d.standard)
	}
	c.PlacementRetry = c.PlacementRetry.withDefaults(Backoff{First: time.Minute, Max: 27 * time.Minute, Factor: 1})
	c.FailingRetry = c.FailingRetry.withDefaults(Backoff{First: time.Minute, Max: 27 * time.Minute, Factor: 2})
	c.StartShares, c.Protection, c.FailAfter = c.StartShares.withDefaults(), c.Protection.withDefaults(), c.FailAfter.withDefaults()
	c.Rebalance = c.Rebalance.withDefaults()
	if c.FailuresAllowed == 0 {
		c.FailuresAllowed = 3
	}
	if c.ImpairedAfter == 0 {
		c.ImpairedAfter = 3
	}
	if c.OnSIGTERM == BehaviourDefault {
		c.OnSIGTERM = UseWarning
	}
	if c.ServiceLaunches <= 0 {
		c.ServiceLaunches = 500
	}
	if c.LaunchRate.PerSecond <= 0 {
		c.LaunchRate.PerSecond = 20
	}
	if c.LaunchRate.Burst < 1 {
		c.LaunchRate.Burst = 100
	}
	if c.OnDemandVCPU == 0 {
		c.OnDemandVCPU = 100_000
	}
	if c.SpotVCPU == 0 {
		c.SpotVCPU = 100_000
	}
	return c
}

func (s StartUp) withDefaults(standard StartUp) StartUp {
	if s.P50 == 0 {
		s.P50, s.P95, s.P99 = standard.P50, standard.P95, standard.P99
	}
	if s.SlowShare == 0 {
		s.SlowShare, s.SlowExtra = standard.SlowShare, standard.SlowExtra
	}
	if s.CommonShare == 0 {
		s.CommonShare = standard.CommonShare
	}
	s.SlowExtra = orDefault(s.SlowExtra, 5*time.Minute)
	s.CommonShare = max(0, min(1, s.CommonShare))
	s.P50 = max(0, s.P50)
	return s
}

func (b Backoff) withDefaults(standard Backoff) Backoff {
	if b.First <= 0 {
		b.First = standard.First
	}
	if b.Max <= 0 {
		b.Max = standard.Max
	}
	if b.Factor == 0 {
		b.Factor = standard.Factor
	}
	return b
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return max(0, d)
}
