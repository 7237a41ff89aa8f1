// Package sandboxtest gives tests of other programs a simulated AWS account with Amazon ECS on Fargate and Fargate Spot: what the command backstop
// sandbox serves, in the test's own process. Clients reach it with an endpoint or an aws.Config; the test steers capacity, interruptions and time.
// What the simulation assumes of AWS is in docs/aws-assumptions.md; what it speaks, and where it differs, in docs/sandbox.md.
//
//	box := sandboxtest.Start(t)
//	box.Workload("prod", "api", 20)
//	client := ecs.NewFromConfig(box.Config())
//	box.Capacity(sandboxtest.Spot, 5) // 15 of 20 get their two minutes' warning
//	box.Advance(3 * time.Minute)
//
// Its interface is kept stable by the rules of this module's version; what is in internal packages is not.
package sandboxtest

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// Region is where everything is unless a client says otherwise.
const Region = sandbox.DefaultRegion

// The capacity providers of Fargate.
const (
	Spot     = ecsim.FargateSpot
	OnDemand = ecsim.Fargate
)

// Sandbox is a simulated account. Its methods may be called from several goroutines.
type Sandbox struct {
	tb  testing.TB
	box *sandbox.Sandbox
	url string
}

// Option changes how a sandbox is made.
type Option func(*sandbox.Options)

// Seed sets the seed of everything random; without it 1.
func Seed(n uint64) Option { return func(o *sandbox.Options) { o.World.Seed = n } }

// Speed lets virtual time pass by itself, so many seconds in a real one, up to 1e6. Without it time stands still but for [Sandbox.Advance].
func Speed(n float64) Option {
	return func(o *sandbox.Options) { o.Speed, o.Manual = n, false }
}

// StartAt sets the beginning of virtual time; without it the present.
func StartAt(t time.Time) Option { return func(o *sandbox.Options) { o.World.Start = t } }

// Start serves a sandbox on a loopback address until the test has ended. A sandbox that cannot be served ends the test.
func Start(tb testing.TB, options ...Option) *Sandbox {
	tb.Helper()
	o := sandbox.Options{World: ecsim.Config{Seed: 1}, Manual: true}
	for _, set := range options {
		set(&o)
	}
	box := sandbox.New(o)
	l, err := box.Listen(tb.Context(), "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start sandbox: %v", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context())) // cleanups of the test may still ask
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("serve sandbox: %v", err)
		}
	})
	return &Sandbox{tb, box, l.URL}
}

// Endpoint is what a client takes as AWS_ENDPOINT_URL: http://host:port.
func (s *Sandbox) Endpoint() string { return s.url }

// EventsQueue is the URL of the queue in which ECS's events arrive.
func (s *Sandbox) EventsQueue() string { return s.box.QueueURL() }

// Environment is what programs need to be led here, as NAME=VALUE.
func (s *Sandbox) Environment() []string {
	return []string{"AWS_ENDPOINT_URL=" + s.url, "AWS_REGION=" + Region, "AWS_DEFAULT_REGION=" + Region, "AWS_ACCESS_KEY_ID=sandbox", "AWS_SECRET_ACCESS_KEY=sandbox"}
}

// Config is for clients of the AWS SDK for Go, version 2.
func (s *Sandbox) Config() aws.Config {
	return aws.Config{Region: Region, BaseEndpoint: aws.String(s.url), Credentials: credentials.NewStaticCredentialsProvider("sandbox", "sandbox", "")}
}

// Now is virtual time.
func (s *Sandbox) Now() time.Time { return s.box.Now() }

// Advance moves virtual time, and everything that is due.
func (s *Sandbox) Advance(d time.Duration) { s.box.AdvanceTo(s.box.Now().Add(d)) }

// Workload makes the services NAME-spot with so many tasks on Spot, and NAME-standard on demand with none. Time moves on until the tasks run.
func (s *Sandbox) Workload(cluster, name string, tasks int) {
	s.tb.Helper()
	if err := s.box.SetupTwins(cluster, name, tasks); err != nil {
		s.tb.Fatalf("make workload %s: %v", name, err)
	}
}

// Capacity bounds how many tasks a capacity provider can hold in the region; -1 is no bound. What exceeds it on Spot is interrupted, on-demand tasks stay.
func (s *Sandbox) Capacity(provider string, tasks int) {
	s.box.World(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: Region, Provider: provider}, tasks) })
}

// Interrupt takes up to n running Spot tasks of a service with the two minutes' warning, and returns their IDs.
func (s *Sandbox) Interrupt(cluster, service string, n int) (ids []string) {
	s.box.World(func(w *ecsim.World) {
		ids = w.Interrupt(ecsim.Ref{Region: Region, Cluster: cluster, Service: service}, n, "", false)
	})
	return ids
}

// Calls is how often an operation was called since the start, as SERVICE:OPERATION: ecs:UpdateService.
func (s *Sandbox) Calls(operation string) int { return s.box.Calls().Counts[operation] }
