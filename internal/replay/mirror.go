package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// mirror is what a listing of a service's tasks would show, kept up to date with the world's events.
type mirror struct {
	ref     ecsim.Ref
	tasks   []failover.Task // desired status RUNNING
	due     []due           // by place in tasks
	at      map[string]int  // task ID -> place in tasks
	fresh   []failover.Task // those of tasks that are not known to be steady (failover.PoolObservation.Steady), in any order
	inFresh []int32         // place in tasks -> place in fresh, -1 for a steady one
	inTasks []int32         // place in fresh -> place in tasks
	oldest  time.Time       // no running task of fresh was in service before it
	healthy int             // of tasks, how many are RUNNING
	leaving []departing     // desired status STOPPED, not STOPPED yet, in any order
	inLeave map[string]int  // task ID -> place in leaving
	shown   []failover.Task // room for a listing with those
}

// due is when a task shows what it does not show yet; zero: never, as far as it is known.
type due struct {
	placed time.Time // that capacity was granted for it
	ready  time.Time // that it is ready
}

// departing is a task on its way out: it works from one moment until another one.
type departing struct {
	task        failover.Task
	from, until time.Time
}

func newMirror(ref ecsim.Ref) mirror {
	return mirror{ref: ref, at: map[string]int{}, inLeave: map[string]int{}}
}

// turn is what an event says of a task's life.
type turn struct {
	left bool // it is the first that shows the task on its way out
	ran  bool // the task was RUNNING until then
}

// note takes over one event. placed and ready say from when on a listing shows these of a task; works until when a task that leaves
// does its work.
func (m *mirror) note(t *ecsim.Task, w *ecsim.World, world *World) turn {
	i, known := m.at[t.ID]
	if t.DesiredStatus == ecsim.Stopped {
		if !known {
			if t.LastStatus == ecsim.Stopped {
				m.gone(t.ID)
			}
			return turn{}
		}
		ran := m.tasks[i].Phase == failover.Running
		if ran {
			m.healthy--
			if t.LastStatus != ecsim.Stopped {
				m.leave(i, t, world)
			}
		}
		m.remove(i)
		return turn{true, ran}
	}
	if !known {
		i = m.add(t, w, world)
	}
	if t.LastStatus == ecsim.Running && m.tasks[i].Phase != failover.Running {
		m.due[i].ready = t.StartedAt
		if world.warms() {
			m.due[i].ready = w.Course(m.ref.Region, m.ref.Cluster, t.ID).Answers
		}
		m.tasks[i].Phase, m.tasks[i].StartedAt = failover.Running, t.StartedAt
		m.fresh[m.inFresh[i]] = m.tasks[i]
		if t.StartedAt.Before(m.oldest) {
			m.oldest = t.StartedAt
		}
		m.healthy++
	}
	return turn{}
}

func (m *mirror) add(t *ecsim.Task, w *ecsim.World, world *World) int {
	i := len(m.tasks)
	c := w.Course(m.ref.Region, m.ref.Cluster, t.ID)
	d := due{placed: c.Pending}
	if at := t.CreatedAt.Add(world.InterfaceAfter); world.InterfaceAfter > 0 && c.Held && (d.placed.IsZero() || at.Before(d.placed)) {
		d.placed = at
	}
	m.at[t.ID] = i
	m.inFresh = append(m.inFresh, int32(len(m.fresh)))
	m.inTasks = append(m.inTasks, int32(i))
	m.tasks = append(m.tasks, failover.Task{ID: t.ID, Phase: failover.Provisioning, Revision: t.StartedBy, CreatedAt: t.CreatedAt})
	m.due = append(m.due, d)
	m.fresh = append(m.fresh, m.tasks[i])
	return i
}

// leave notes a RUNNING task that begins to leave.
func (m *mirror) leave(i int, t *ecsim.Task, world *World) {
	d := departing{task: m.tasks[i], from: m.due[i].ready}
	d.task.Phase, d.task.EndsAt = failover.Leaving, t.StoppingAt.Add(stopTimeout)
	d.until = world.worksUntil(t)
	m.inLeave[t.ID] = len(m.leaving)
	m.leaving = append(m.leaving, d)
}

// gone forgets a task that is STOPPED.
func (m *mirror) gone(id string) {
	i, known := m.inLeave[id]
	if !known {
		return
	}
	delete(m.inLeave, id)
	last := len(m.leaving) - 1
	if i != last {
		m.leaving[i] = m.leaving[last]
		m.inLeave[m.leaving[i].task.ID] = i
	}
	m.leaving = m.leaving[:last]
}

// remove takes a task out of the mirror.
func (m *mirror) remove(i int) {
	delete(m.at, m.tasks[i].ID)
	if f := m.inFresh[i]; f >= 0 {
		m.seasoned(f)
	}
	last := len(m.tasks) - 1
	if i != last {
		m.tasks[i], m.due[i], m.inFresh[i] = m.tasks[last], m.due[last], m.inFresh[last]
		m.at[m.tasks[i].ID] = i
		if f := m.inFresh[i]; f >= 0 {
			m.inTasks[f] = int32(i)
		}
	}
	m.tasks, m.due, m.inFresh = m.tasks[:last], m.due[:last], m.inFresh[:last]
}

// seasoned takes a task out of fresh.
func (m *mirror) seasoned(f int32) {
	last := len(m.fresh) - 1
	m.inFresh[m.inTasks[f]] = -1
	if int(f) != last {
		m.fresh[f], m.inTasks[f] = m.fresh[last], m.inTasks[last]
		m.inFresh[m.inTasks[f]] = f
	}
	m.fresh, m.inTasks = m.fresh[:last], m.inTasks[:last]
}

// refresh shows of every fresh task what is due by now.
func (m *mirror) refresh(now time.Time, health bool) {
	for f := range m.fresh {
		t, d := &m.fresh[f], &m.due[m.inTasks[f]]
		switch {
		case t.Phase == failover.Provisioning:
			if !passed(d.placed, now) {
				continue
			}
			t.Phase = failover.Placed
		case t.Phase == failover.Running && health && t.Health != failover.HealthReady:
			t.Health = failover.HealthNotReady
			if passed(d.ready, now) {
				t.Health = failover.HealthReady
			}
		default:
			continue
		}
		m.tasks[m.inTasks[f]] = *t
	}
}

func passed(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// unsteady returns the tasks that came into service after a moment or have not yet, and how many others there are. The moment never goes
// back.
func (m *mirror) unsteady(since time.Time) ([]failover.Task, int) {
	if !m.oldest.After(since) {
		oldest := since.Add(never)
		for f := 0; f < len(m.fresh); {
			t := &m.fresh[f]
			ready := m.due[m.inTasks[f]].ready
			switch {
			case t.Phase != failover.Running || ready.IsZero():
			case !ready.After(since):
				m.seasoned(int32(f))
				continue
			case ready.Before(oldest):
				oldest = ready
			}
			f++
		}
		m.oldest = oldest
	}
	return m.fresh, len(m.tasks) - len(m.fresh)
}

// withLeaving returns a listing with the tasks that leave added to it.
func (m *mirror) withLeaving(tasks []failover.Task, now time.Time) []failover.Task {
	if len(m.leaving) == 0 {
		return tasks
	}
	m.shown = append(m.shown[:0], tasks...)
	for i := range m.leaving {
		d := &m.leaving[i]
		t := d.task
		t.Works = passed(d.from, now) && now.Before(d.until)
		m.shown = append(m.shown, t)
	}
	return m.shown
}

// pending counts the tasks before RUNNING, and those of them that are older than limit.
func (m *mirror) pending(now time.Time, limit time.Duration) (all, old int) {
	if m.healthy == len(m.tasks) {
		return 0, 0
	}
	for i := range m.tasks {
		if m.tasks[i].Phase != failover.Running {
			all++
			if now.Sub(m.tasks[i].CreatedAt) >= limit {
				old++
			}
		}
	}
	return all, old
}
