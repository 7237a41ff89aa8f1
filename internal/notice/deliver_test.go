package notice_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

func TestABrokenReceiverHoldsUpNobodyAndGetsItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		good, bad := &inbox{name: "good"}, &inbox{name: "bad", broken: true}
		d := o.desk(bad, good)
		begun := time.Now()
		for range 5000 { // more than the desk holds: it never blocks
			d.Tell(t.Context(), control.Report{Workload: "api", Result: control.Unchanged})
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("telling took %s of the bubble's time", took)
		}
		d.Work(t.Context())
		d.Tell(t.Context(), o.pass(short))
		d.Work(t.Context())
		good.want(t, "on_demand_short/opened")
		bad.want(t)
		for range 10 {
			in(t, time.Minute)
			d.Tell(t.Context(), o.pass(short))
			d.Work(t.Context())
		}
		if bad.tries < 2 || bad.tries > 6 {
			t.Errorf("the broken receiver was tried %d times in ten minutes", bad.tries)
		}
		bad.broken = false
		for range 20 {
			in(t, time.Minute)
			d.Tell(t.Context(), o.pass(short))
			d.Work(t.Context())
		}
		bad.want(t, "on_demand_short/opened")
		good.want(t, "on_demand_short/opened")
	})
}

// TestAReceiverThatHangsIsWaitedForOnce: the function cannot answer before its notices are on their way, so what a
// receiver takes of its time must not grow with the number of notices.
func TestAReceiverThatHangsIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		good, bad := &inbox{name: "good"}, &inbox{name: "bad", hangs: true}
		d := o.desk(bad, good)
		quota := failover.Notice{Reason: failover.ReasonQuota, Key: "api/quota", Text: "a quota is reached"}
		d.Tell(t.Context(), o.pass(short, quota, o.goes(failover.ModeOnDemand)))
		for i := range 40 {
			name := fmt.Sprint("w", i)
			n := short
			n.Key = name + "/on_demand_short/standard"
			r := control.Report{Workload: name, Result: control.Committed, Generation: 1, Decision: failover.Decision{At: time.Now(), Workload: name, Notices: []failover.Notice{n}}}
			d.Tell(t.Context(), r)
		}
		begun := time.Now()
		d.Work(t.Context())
		if took := time.Since(begun); took > 12*time.Second {
			t.Errorf("telling took %s", took)
		}
		if n := len(good.kinds()); n != 44 {
			t.Errorf("the other receiver got %d notices, want all 44", n)
		}
		bad.mu.Lock()
		bad.hangs = false
		bad.mu.Unlock()
		in(t, 3*time.Minute)
		d.Work(t.Context())
		if n := len(bad.kinds()); n != 44 {
			t.Errorf("the receiver got %d notices once it answers, want all 44", n)
		}
	})
}

// TestAReceiverThatRefusesIsSaidThroughTheOthers plays case O18: a revoked hook is not tried for three days, and the others hear of it.
func TestAReceiverThatRefusesIsSaidThroughTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		good, bad := &inbox{name: "good"}, &inbox{name: "bad", refuse: true}
		d := o.desk(bad, good)
		work := func() {
			d.Tell(t.Context(), o.pass(short))
			d.Work(t.Context())
		}
		work()
		for range 10 {
			in(t, 2*time.Minute)
			work()
		}
		good.want(t, "on_demand_short/opened", "receiver_refuses/event")
		if said := d.Refusing(); len(said) != 1 || said["bad"] != "it answers with status 404" {
			t.Errorf("those that refuse are %v", said)
		}
		if bad.tries != 1 {
			t.Errorf("the receiver that refuses was tried %d times in twenty minutes, want once", bad.tries)
		}
		if m := good.got[1]; m.Severity != failover.Warning || m.What[0] != "it answers with status 404" || m.Do == "" {
			t.Errorf("the others are told %+v", m)
		}
		// Another process finds the refusal in the book, and tells nothing of it.
		d = o.desk(bad, good)
		in(t, 90*time.Minute)
		work()
		good.want(t, "on_demand_short/opened", "receiver_refuses/event", "on_demand_short/still")
		if bad.tries != 2 {
			t.Errorf("it was tried %d times, want once more after an hour", bad.tries)
		}
		bad.refuse = false
		in(t, 61*time.Minute)
		work()
		bad.want(t, "on_demand_short/still")
	})
}

// TestWhatIsSilencedIsToldAfterwards, if it is still there; what was acknowledged is told again only when it becomes worse.
func TestWhatIsSilencedIsToldAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		in1 := &inbox{name: "in"}
		d := o.desk(in1)
		var silence *failover.Pause
		var acked time.Time
		work := func(notices ...failover.Notice) {
			r := o.pass(notices...)
			r.After.Silence, r.After.AckedAt = silence, acked
			d.Tell(t.Context(), r)
			d.Work(t.Context())
		}
		silence = &failover.Pause{Until: time.Now().Add(time.Hour)}
		quota := failover.Notice{Reason: failover.ReasonRestored, Key: "api/restored/1", Text: "back on Spot"}
		work(short, quota)
		in(t, 30*time.Minute)
		work(short)
		in1.want(t)
		in(t, 31*time.Minute)
		work(short)
		in1.want(t, "on_demand_short/opened")
		acked = time.Now()
		in(t, 61*time.Minute)
		work(short)
		in1.want(t, "on_demand_short/opened")
		acked = time.Time{}
		work(short)
		in1.want(t, "on_demand_short/opened", "on_demand_short/still")
	})
}
