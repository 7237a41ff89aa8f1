package taskretry

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestACallWhoseClaimIsOverIsNotMade: another guard may have had an answer to it, and made the next.
func TestACallWhoseClaimIsOverIsNotMade(t *testing.T) {
	g := newGuards()
	full, held := true, sync.WaitGroup{}
	held.Add(sideBySide)
	hold := make(chan struct{})
	slow := func(o Order) error { // the first calls of the first guard take long
		select {
		case <-hold:
		default:
			held.Done()
			<-hold
		}
		return nil
	}
	g.answer = slow
	a, b := g.keeper(places...), g.keeper(places...)
	done := make(chan struct{})
	go func() { defer close(done); a.Take(t.Context(), stops(0, sideBySide+1, noon)) }()
	held.Wait()
	g.mu.Lock()
	g.answer = func(o Order) error {
		if full {
			return noRoom(o)
		}
		return nil
	}
	g.mu.Unlock()
	g.ahead(claimFor + time.Second)
	g.pass(t, b)
	g.ahead(againMost)
	full = false
	g.pass(t, b)
	close(hold)
	<-done
	last := ecsevent.TaskID(aloneARN(sideBySide)) // its call had not begun
	if n := g.starts[last]; n != 1 {
		t.Errorf("it was started %d times", n)
	}
}

// TestNoMoreIsClaimedThanCanBeCalledFor while many tasks are lost together; all of them are started once.
func TestNoMoreIsClaimedThanCanBeCalledFor(t *testing.T) {
	g := newGuards()
	k := g.keeper(places...)
	most := 0
	g.answer = func(Order) error {
		b, claimed := g.book(t), 0
		for i := range b.Records {
			if b.Records[i].Open() && b.Records[i].Next.After(noon) {
				claimed++
			}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		most = max(most, claimed)
		return nil
	}
	k.Take(t.Context(), stops(0, 5*sliceMax, noon))
	if most > sliceMax || len(g.starts) != 5*sliceMax {
		t.Errorf("%d claimed at a time, %d started", most, len(g.starts))
	}
}

// TestAPlaceWithoutRoomGetsFewCalls, however many tasks wait for it and arrive.
func TestAPlaceWithoutRoomGetsFewCalls(t *testing.T) {
	for name, answer := range map[string]func(Order) error{"no room": noRoom, "throttled": func(Order) error { return kinded{failover.ErrThrottled} }} {
		g := newGuards()
		g.answer = answer
		k := g.keeper(places...)
		for i := range 3 {
			k.Take(t.Context(), stops(60*i, 60, g.now))
		}
		perMinute := make([]int, 10)
		perMinute[0] = g.calls
		for {
			next := g.pass(t, k)
			g.ahead(next.Sub(g.now))
			minute, before := int(g.now.Sub(noon)/time.Minute), g.calls
			if minute >= len(perMinute) {
				break
			}
			g.pass(t, k)
			perMinute[minute] += g.calls - before
		}
		for m, n := range perMinute {
			if most := map[bool]int{true: 3 * sideBySide, false: sideBySide}[m == 0]; n > most { // at once, after 10 and after 30 seconds
				t.Errorf("%s: %d calls in minute %d, at most %d", name, n, m, most)
			}
		}
		if g.calls < 8*sideBySide {
			t.Errorf("%s: %d calls in ten minutes", name, g.calls)
		}
		g.answer = nil
		g.pass(t, k)
		if len(g.starts) != 180 {
			t.Errorf("%s: with room %d of 180 are started", name, len(g.starts))
		}
	}
}

// TestAPlaceThatTakesSomeAtATimeIsNotLeftAloneForLong: RunTask starts so many a second, and throttles what is beyond.
func TestAPlaceThatTakesSomeAtATimeIsNotLeftAloneForLong(t *testing.T) {
	g := newGuards()
	room := 0
	g.answer = func(Order) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if room--; room < 0 {
			return kinded{failover.ErrThrottled}
		}
		return nil
	}
	k := g.keeper(places...)
	room = 40
	k.Take(t.Context(), stops(0, 200, noon))
	for range 6 {
		g.ahead(againFirst)
		room = 40
		g.pass(t, k)
	}
	if len(g.starts) != 200 {
		t.Errorf("%d of 200 are started in a minute", len(g.starts))
	}
}

// TestATaskForWhichThereIsNeverRoomHoldsUpNoOther: those with the fewest answers are asked for first.
func TestATaskForWhichThereIsNeverRoomHoldsUpNoOther(t *testing.T) {
	g := newGuards()
	g.answer = func(o Order) error {
		if o.Tags[TagOf] < ecsevent.TaskID(aloneARN(50)) {
			return noRoom(o)
		}
		return nil
	}
	k := g.keeper(places...)
	k.Take(t.Context(), stops(0, 60, noon))
	for range 20 {
		g.ahead(againMost)
		g.pass(t, k)
	}
	if len(g.starts) != 10 {
		t.Errorf("%d of the 10 are started for which there is room", len(g.starts))
	}
}

// TestATroubleIsToldOnce, whatever comes between; its words stay.
func TestATroubleIsToldOnce(t *testing.T) {
	g := newGuards()
	n := 0
	g.answer = func(o Order) error {
		switch n++; {
		case n%2 == 0:
			return kinded{failover.ErrThrottled}
		case n%6 == 3:
			return kinded{failover.ErrDenied}
		}
		return noRoom(o)
	}
	k := g.keeper(places...)
	k.Take(t.Context(), stops(1, 1, noon))
	for range 45 {
		g.ahead(time.Minute)
		g.pass(t, k)
	}
	if r := g.book(t).Find(aloneARN(1)); n < 12 || len(g.entries) != 2 || len(g.told) != 2 || r == nil || !told(r.Trouble) {
		t.Errorf("%d calls, %d entries of 2 troubles, told %d: %+v", n, len(g.entries), len(g.told), r)
	}
	g.ahead(5 * time.Minute)
	g.pass(t, k)
	if r := g.book(t).Find(aloneARN(1)); len(g.entries) != 3 || r.Verdict != GivenUp || r.Text == string(failover.ErrThrottled) {
		t.Errorf("given up: %d entries, %+v", len(g.entries), r)
	}
}

// TestAnUnclearAnswerIsNoStart: a token is used up by an answer of failures, too.
func TestAnUnclearAnswerIsNoStart(t *testing.T) {
	g := newGuards()
	g.answer = func(Order) error { return kinded{failover.ErrConflict} }
	g.keeper(places...).Take(t.Context(), stops(1, 1, noon))
	b := g.book(t)
	r := b.Find(aloneARN(1))
	if day := b.Between(noon, noon); r.Open() || r.Started != "" || day.Started != 0 || day.Left != 1 {
		t.Errorf("%+v: %+v", day, r)
	}
	if len(g.told) != 1 || g.told[0].Severity != failover.Warning || !strings.Contains(g.told[0].Text, "may have been started again") || !strings.Contains(g.told[0].Key, "task_not_started_again") || !strings.Contains(g.told[0].Do, "backstop:retry-of") {
		t.Errorf("told: %+v", g.told)
	}
}

// TestATaskThatECSForgotIsTold, as nobody can say whether it was tagged; one that it does not know yet comes again.
func TestATaskThatECSForgotIsTold(t *testing.T) {
	g := newGuards()
	g.tell = func(string) (Told, bool) { return Told{}, false }
	k := g.keeper(places...)
	events := append(stops(0, 12, noon.Add(-70*time.Minute)), stop(99, noon.Add(-time.Minute)))
	if left := k.Take(t.Context(), events); len(left) != 1 || left[aloneARN(99)] == nil {
		t.Errorf("come again: %v", left)
	}
	if len(g.told) != 1 || len(g.entries) != 1 || !strings.Contains(g.told[0].Text, "lost 12 tasks whose events came too late") || !strings.Contains(g.told[0].Text, "and 2 more") {
		t.Errorf("%d entries, told: %+v", len(g.entries), g.told)
	}
	g.ahead(time.Minute)
	k.Take(t.Context(), events[:12])
	if len(g.entries) != 1 {
		t.Errorf("the same events again make %d entries", len(g.entries))
	}
}

// TestAnotherAccountsEventsAreLeft: its cluster may have the same name, and the same queue.
func TestAnotherAccountsEventsAreLeft(t *testing.T) {
	body := func(account string) []byte {
		return fmt.Appendf(nil, `{"version":"0","id":"x","detail-type":"ECS Task State Change","source":"aws.ecs","time":"2026-11-30T12:00:00Z","account":%[1]q,"region":"us-east-1","resources":[],"detail":{"clusterArn":"arn:aws:ecs:us-east-1:%[1]s:cluster/jobs","group":"family:report","lastStatus":"STOPPED","launchType":"FARGATE","taskArn":"arn:aws:ecs:us-east-1:%[1]s:task/jobs/0123456789abcdef0123456789abcdef","stopCode":"SpotInterruption"}}`, account)
	}
	g := newGuards()
	named := places[0]
	named.Account = "123456789012"
	if _, ok := g.keeper(named).Mine(body("999999999999")); ok {
		t.Error("taken, though the cluster's ARN has another account")
	}
	k := g.keeper(places...)
	k.Take(t.Context(), stops(1, 1, noon)) // ECS tells of a task: its account is ours
	if _, ok := k.Mine(body("999999999999")); ok {
		t.Error("taken, though the account is known")
	}
	if _, ok := k.Mine(body("123456789012")); !ok {
		t.Error("our own is left")
	}
}

// TestAVerdictIsToldThoughItsGuardDies: before the page has it, and once, however often the event comes.
func TestAVerdictIsToldThoughItsGuardDies(t *testing.T) {
	g := newGuards()
	g.tell = func(string) (Told, bool) {
		return Told{Tags: map[string]string{TagRetry: "often"}, Main: "app", Call: 1}, true
	}
	k := g.keeper(places...)
	func() {
		defer func() { _ = recover() }()
		dying := g.keeper(places...)
		dying.o.Tell = func(context.Context, control.Report) { panic("killed") }
		dying.Take(t.Context(), stops(1, 1, noon))
	}()
	g.ahead(time.Minute)
	if left := k.Take(t.Context(), stops(1, 1, noon)); len(left) != 0 || len(g.told) != 1 || len(g.entries) != 1 {
		t.Errorf("left %v, %d entries, told %v", left, len(g.entries), g.told)
	}
}

// TestAClusterThatIsTakenOutLeavesNothingOpen: what waits there is given up in its time, and calls nobody before.
func TestAClusterThatIsTakenOutLeavesNothingOpen(t *testing.T) {
	g := newGuards()
	g.answer = noRoom
	g.keeper(places...).Take(t.Context(), stops(1, 1, noon))
	k := g.keeper(Place{Region: "us-east-1", Cluster: "other"})
	g.ahead(10 * time.Minute)
	if next := g.pass(t, k); !next.IsZero() {
		t.Errorf("the next is due at %s", next)
	}
	g.ahead(giveUpAfter)
	g.pass(t, k)
	if r := g.book(t).Find(aloneARN(1)); r.Verdict != GivenUp {
		t.Errorf("%+v", r)
	}
}

// TestWhatRunsLongerThanADayIsPriced: its record waits for its end.
func TestWhatRunsLongerThanADayIsPriced(t *testing.T) {
	g := newGuards()
	k := g.keeper(places...)
	k.Take(t.Context(), stops(1, 1, noon))
	for range 3 {
		g.ahead(25 * time.Hour)
		k.Take(t.Context(), stops(int(g.now.Unix()), 1, g.now)) // another
	}
	end := stop(1_000_001, g.now)
	end.CPU, end.Memory, end.PulledAt, end.Exits, end.Stop = 1024, 2048, noon, map[string]int{"app": 0}, ecsevent.Stop{Code: "EssentialContainerExited"}
	k.Take(t.Context(), []ecsevent.Standalone{end})
	b := g.book(t)
	if sum := b.Between(noon, g.now); sum.Ended != 1 || sum.Hours != 75 || sum.USD <= 0 {
		t.Errorf("75 hours on demand: %+v", sum)
	}
	g.ahead(runsFor)
	k.Take(t.Context(), stops(2, 1, g.now))
	if b := g.book(t); len(b.Records) != 1 {
		t.Errorf("%d records after a fortnight", len(b.Records))
	}
}
