package notice_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/notice"
)

// TestManyTasksOfNoServiceAreOneNotice, once, with as many of them as a person reads, and without the counts of a workload.
func TestManyTasksOfNoServiceAreOneNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		r := control.Report{Workload: "tasks:jobs", Result: control.Committed, Started: time.Now(), Decision: failover.Decision{At: time.Now()}}
		for i := range 25 {
			r.Decision.Notices = append(r.Decision.Notices, failover.Notice{Key: fmt.Sprintf("tasks:jobs/%s/%d", notice.StartedAgain, i), Severity: failover.Info, Text: fmt.Sprintf("task %d was lost", i)})
		}
		for range 2 { // a second guard tells the same
			d := o.desk(box)
			d.Tell(t.Context(), r)
			d.Work(t.Context())
		}
		box.want(t, "task_started_again/event")
		m := box.got[0]
		if len(m.What) != 10 || m.What[9] != "and 16 more like these" {
			t.Errorf("it says %q", m.What)
		}
		if text := m.Text(); strings.Contains(text, "in service") || !strings.Contains(text, "More: backstop history") {
			t.Errorf("text: %s", text)
		}
		if want := "[INFO] tasks:jobs: tasks of no service were started again"; m.Subject() != want {
			t.Errorf("subject %q, want %q", m.Subject(), want)
		}
	})
}
