package ecsim

// moment is virtual time: nanoseconds since Config.Start. never is later than every moment.
type moment = int64

const never moment = 1<<63 - 1

// timedKind says what a timed entry does when it is due.
type timedKind uint8

const (
	taskStep      timedKind = iota // the next step of a task's life
	taskHealthy                    // a RUNNING task counts healthy
	taskUnguard                    // a scale-in protection ends
	serviceLook                    // the service scheduler looks at a service
	serviceSteady                  // a steady service says so again
	eventArrival                   // a delayed event arrives
	taskTurn                       // a task's application or a health check of it changes
	taskTakeOut                    // an interrupted task is deregistered from its target groups
	taskPutBack                    // a task that others deregistered is registered again
)

// timed is one entry of the queue. gen is compared with the owner's counter when it is due, so that entries are cancelled by
// counting on instead of being searched for.
type timed struct {
	at   moment
	seq  uint64
	gen  uint32
	idx  int32
	kind timedKind
}

// queue is a 4-ary min-heap on (at, seq): first due, first pushed. No interface, no boxing.
type queue struct {
	heap []timed
	seq  uint64
}

func (q *queue) push(at moment, kind timedKind, idx int32, gen uint32) {
	q.seq++
	e := timed{at: at, seq: q.seq, gen: gen, idx: idx, kind: kind}
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !before(&e, &q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = e
}

func (q *queue) pop() timed {
	top := q.heap[0]
	last := len(q.heap) - 1
	e := q.heap[last]
	q.heap = q.heap[:last]
	if last == 0 {
		return top
	}
	i := 0
	for {
		first := 4*i + 1
		if first >= last {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, last); c++ {
			if before(&q.heap[c], &q.heap[least]) {
				least = c
			}
		}
		if !before(&q.heap[least], &e) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = e
	return top
}

func before(a, b *timed) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
