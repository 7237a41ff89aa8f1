package failover

import (
	"testing"
	"time"
)

const lag = 30 * time.Second

func read(count int, age time.Duration) reading { return reading{count, ago(age), lag} }

func TestWhoseCountItIs(t *testing.T) {
	asked := (*Asked)(nil).ask(27, read(0, time.Minute)) // a minute ago 0 was read and 27 asked for
	done := *asked
	done.Done = true
	again := done.shown(read(27, 50*time.Second)).ask(20, read(27, 40*time.Second)) // seen, and 20 asked for 40 s ago
	for _, c := range []struct {
		situation string
		a         *Asked
		r         reading
		theirs    bool
		inForce   int
	}{
		{"a pool that was never asked for anything", nil, read(5, 0), true, 5},
		{"our own count", &done, read(27, 0), false, 27},
		{"the count from before ours, within the lag", &done, read(0, 35*time.Second), false, 27},
		{"the count from before a call that was not answered: it may not be in force", asked, read(0, 35*time.Second), false, 0},
		{"the count from before, which ours never took the place of", &done, read(0, 0), false, 0},
		{"any other is someone's", &done, read(9, 55*time.Second), true, 9},
		{"the one before last, within the lag", again, read(27, 20*time.Second), false, 27},
		{"the very first, as long as ours was not seen", again, read(0, 0), false, 0},
	} {
		t.Run(c.situation, func(t *testing.T) {
			equal(t, "whether it is someone's", c.a.theirs(c.r), c.theirs)
			equal(t, "the count in force", c.a.inForce(c.r), c.inForce)
		})
	}
}

func TestACountThatWasSeenIsForgottenInTime(t *testing.T) {
	a := (*Asked)(nil).ask(27, read(0, time.Minute))
	a.Done = true
	seen := a.shown(read(27, 50*time.Second))
	equal(t, "whether it was seen", seen.Seen, true)
	equal(t, "whether 0 is someone's while a stale read may show it", seen.theirs(read(0, 40*time.Second)), false)
	equal(t, "whether it is after that", seen.theirs(read(0, 20*time.Second)), true)
	later := seen.shown(read(27, 0))
	equal(t, "the number of old counts that are kept", len(later.Old), 0)
}

func TestAStaleReadOfAnEqualCountShowsNothing(t *testing.T) {
	a := (*Asked)(nil).ask(5, read(8, 20*time.Second)).ask(8, read(8, 10*time.Second)) // 8, then 5, then 8 again
	if got := a.shown(read(8, 5*time.Second)); got.Seen {
		t.Error("a read that may be of the old 8 shows the new one")
	}
	if got := a.shown(read(8, -time.Minute)); !got.Seen {
		t.Error("a fresh read does not show it")
	}
}

func TestWhatIsKeptWhenSomeoneElseSetsTheCount(t *testing.T) {
	a := (*Asked)(nil).ask(27, read(0, 5*time.Second)) // not answered yet
	kept := a.yield(read(12, 0))
	if kept == nil || kept.Count != 12 {
		t.Fatalf("kept is %+v, want their count", kept)
	}
	equal(t, "whether our late call is taken for their will", kept.theirs(read(27, -5*time.Second)), false)
	equal(t, "whether a third count is", kept.theirs(read(15, -5*time.Second)), true)
	done := (*Asked)(nil).ask(27, read(0, time.Hour))
	done.Done, done.Seen, done.Old = true, true, nil
	if got := done.yield(read(12, 0)); got != nil {
		t.Errorf("nothing of ours can arrive any more, and %+v is kept", got)
	}
}

func TestOldCountsAreBoundedAndPushOutNoOther(t *testing.T) {
	a := (*Asked)(nil).ask(1, read(0, 20*time.Second))
	for i := range 40 { // two counts take turns: they are one entry each
		a = a.ask(2-i%2, read(1+i%2, 10*time.Second))
	}
	equal(t, "whether the first count is still known as ours", a.theirs(read(0, 5*time.Second)), false)
	for i := range 40 {
		a = a.ask(100+i, read(0, 5*time.Second))
	}
	if len(a.Old) > oldCountsMax {
		t.Errorf("%d old counts are kept, at most %d may be", len(a.Old), oldCountsMax)
	}
}

func TestAskingChangesNoValue(t *testing.T) {
	a := (*Asked)(nil).ask(27, read(0, time.Minute))
	before := *a
	old := a.Old[0]
	_ = a.ask(20, read(27, 0))
	_ = a.shown(read(27, 0))
	_ = a.yield(read(3, 0))
	if a.Count != before.Count || a.Seen != before.Seen || a.Done != before.Done || len(a.Old) != len(before.Old) || a.Old[0] != old {
		t.Errorf("%+v became %+v", before, *a)
	}
}
