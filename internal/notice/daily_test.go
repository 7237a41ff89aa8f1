package notice_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/notice"
)

// digesting is a desk whose receiver box is told of the day at seven, and what it asked for.
func (o *office) digesting(box *inbox, asked *[]time.Time, fails *bool) *notice.Desk {
	return notice.New(notice.Options{Store: o.store, Senders: []notice.Sender{box, &inbox{name: "other"}}, Daily: &notice.Daily{
		At: map[string]time.Duration{box.name: 7 * time.Hour},
		Facts: func(_ context.Context, from, to time.Time) ([]string, error) {
			if fails != nil && *fails {
				return nil, errors.New("the journal does not answer")
			}
			*asked = append(*asked, from, to)
			return []string{"2 interruptions", "nothing unusual"}, nil
		}}})
}

func TestTheDigestIsToldOnceADayByOneProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // from midnight on
		o, box := newOffice(t), &inbox{name: "box"}
		var asked []time.Time
		one, two := o.digesting(box, &asked, nil), o.digesting(box, &asked, nil)
		works := func() {
			for range 24 * 60 / 15 {
				one.Work(t.Context())
				two.Work(t.Context())
				in(t, 15*time.Minute)
			}
		}
		begun := time.Now().UTC()
		works()
		box.want(t, "digest/event")
		if seven := begun.Add(7 * time.Hour); len(asked) < 2 || !asked[1].Equal(seven) || !asked[0].Equal(seven.Add(-24*time.Hour)) {
			t.Errorf("the first digest is of %v, want the day that ended at %s", asked, seven)
		}
		works()
		box.want(t, "digest/event", "digest/event")
		m := box.got[0]
		if text := m.Text(); !strings.HasPrefix(text, "2 interruptions\nnothing unusual\n") || strings.Contains(text, "in service") || m.Subject() != "[INFO] all workloads: the last day in figures" {
			t.Errorf("it says %q: %s", m.Subject(), text)
		}
	})
}

func TestADigestThatCouldNotBeWrittenComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		var asked []time.Time
		fails := true
		d := o.digesting(box, &asked, &fails)
		d.Work(t.Context())
		in(t, 7*time.Hour+time.Minute)
		if next := time.Until(d.Work(t.Context())); next <= 0 || next > 10*time.Minute {
			t.Errorf("after a failure it is tried again in %s", next)
		}
		box.want(t)
		fails = false
		in(t, 3*time.Hour) // it was down, or the journal was
		d.Work(t.Context())
		box.want(t, "digest/event")
	})
}
