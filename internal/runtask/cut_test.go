package runtask

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// cable is the way to AWS, which can be cut.
type cable struct {
	to  ecs.HTTPClient
	cut atomic.Bool
}

func (c *cable) Do(r *http.Request) (*http.Response, error) {
	if c.cut.Load() {
		return nil, errors.New("no route to host")
	}
	return c.to.Do(r)
}

// TestARunThatHearsNothingEnds: it outlives an outage, ends after --give-up of silence, and does not say that it stopped what it could not reach.
func TestARunThatHearsNothingEnds(t *testing.T) {
	in(t, "sleep 7200", func(l *lab) {
		way := &cable{to: l.box}
		client := ecs.New(l.ecs.Options(), func(o *ecs.Options) { o.HTTPClient = way })
		req := l.request(2)
		req.GiveUp = 10 * time.Minute
		cut := func(after, length time.Duration) {
			time.Sleep(after)
			way.cut.Store(true)
			time.Sleep(length)
			way.cut.Store(false)
		}
		go cut(5*time.Minute, 3*time.Minute)
		go cut(20*time.Minute, 30*time.Minute)
		began := time.Now()
		res, err := Run(l.t.Context(), client, region, req)
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "no answer of AWS for 10m") || took < 29*time.Minute || took > 33*time.Minute || res.Ends[Alive] != 2 {
			t.Errorf("after %s: %v, ends %v", took, err, res.Ends)
		}
		ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
		defer cancel()
		if n, err := Stop(ctx, client, req, &res); err == nil || n != 0 {
			t.Errorf("%d stopped without a way to AWS: %v", n, err)
		}
		time.Sleep(time.Hour)
		if n, err := Stop(l.t.Context(), client, req, &Result{Main: res.Main}); err != nil || n != 2 {
			t.Errorf("%d stopped of 2 whose start had no answer: %v", n, err)
		}
	})
}

// TestATokenThatIsInUseWithOtherFlagsStartsNothing: the tasks of the other run are not found by this one's --started-by, or ECS has forgotten them. It knows
// the calls of a run for longer than that.
func TestATokenThatIsInUseWithOtherFlagsStartsNothing(t *testing.T) {
	in(t, "sleep 20", func(l *lab) {
		if _, err := Run(l.t.Context(), l.ecs, region, l.request(1)); err != nil {
			l.t.Fatal(err)
		}
		for _, after := range []time.Duration{0, 3 * time.Hour} {
			time.Sleep(after)
			req := l.request(1)
			req.GiveUp = 30 * time.Second // for want of room, which is not what is wrong
			req.Input.StartedBy = aws.String("somebody")
			began := time.Now()
			res, err := Run(l.t.Context(), l.ecs, region, req)
			if took := time.Since(began); !errors.Is(err, ErrOtherRun) || res.Starts != 0 || took > 2*time.Minute {
				t.Errorf("after %s: %v, %d started, ends %v", took, err, res.Starts, res.Ends)
			}
		}
		if started := l.box.Calls().Counts["ecs:RunTask"]; started != 3 {
			t.Errorf("%d calls of RunTask, want one each", started)
		}
	})
}

// TestAWSThatThrottlesIsAskedForAsLongAsRoomWouldBeLookedFor, at each call of a run, and a run goes on where that ends before.
func TestAWSThatThrottlesIsAskedForAsLongAsRoomWouldBeLookedFor(t *testing.T) {
	for _, c := range []struct {
		operation string
		count     int // calls that are throttled; 0: all
		ends      bool
	}{{"ecs:RunTask", 0, false}, {"ecs:RunTask", 60, true}, {"ecs:ListTasks", 0, false}, {"ecs:ListTasks", 6, true}, {"ecs:DescribeTaskDefinition", 6, true}} {
		in(t, "sleep 20", func(l *lab) {
			_, err := l.box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: c.operation, Count: c.count})
			l.must(err)
			req := l.request(1)
			req.GiveUp = 30 * time.Minute
			began := time.Now()
			res, err := Run(l.t.Context(), l.ecs, region, req)
			took := time.Since(began)
			if c.ends && (err != nil || res.Ends[Finished] != 1) {
				t.Errorf("%s throttled %d times: after %s %v, ends %v", c.operation, c.count, took, err, res.Ends)
			}
			if !c.ends && (err == nil || !strings.Contains(err.Error(), "AWS has refused for 30m: ") || took < 30*time.Minute || took > 33*time.Minute) {
				t.Errorf("%s throttled: after %s %v", c.operation, took, err)
			}
		})
	}
}

// TestWithoutAWayToAWSAtTheStartItEndsAtOnce, and says that it started nothing.
func TestWithoutAWayToAWSAtTheStartItEndsAtOnce(t *testing.T) {
	in(t, "sleep 20", func(l *lab) {
		way := &cable{to: l.box}
		way.cut.Store(true)
		began := time.Now()
		_, err := Run(l.t.Context(), ecs.New(l.ecs.Options(), func(o *ecs.Options) { o.HTTPClient = way }), region, l.request(1))
		if took := time.Since(began); err == nil || !strings.HasSuffix(err.Error(), "; nothing was started") || took > time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}
