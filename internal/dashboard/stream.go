package dashboard

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// watch counts the streams.
type watch struct {
	mu      sync.Mutex
	streams int
	// last is the newest look at the source, shared by all streams.
	last   overviewFacts
	err    error
	looked time.Time
}

// events keeps a page up to date by server-sent events: "workloads" carries the facts that differ from what was sent
// before (at first all of them), "trouble" that the source cannot be read.
func (d *Dashboard) events(w http.ResponseWriter, r *http.Request) {
	if !d.enter() {
		w.Header().Set("Retry-After", "60")
		d.fail(w, r, http.StatusServiceUnavailable, fmt.Sprintf("%d pages are kept up to date already", streamsMax))
		return
	}
	defer d.leave()
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // a stream has no end
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	s := stream{w: w, sent: make(map[string][sha256.Size]byte)}
	ticker := time.NewTicker(d.o.Refresh)
	defer ticker.Stop()
	for {
		o, err := d.glance(r)
		if err := s.tell(o, err); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
		if d.private && !d.keys.holds(r) {
			return // the session has ended
		}
	}
}

func (d *Dashboard) enter() bool {
	d.watch.mu.Lock()
	defer d.watch.mu.Unlock()
	if d.watch.streams >= streamsMax {
		return false
	}
	d.watch.streams++
	return true
}

func (d *Dashboard) leave() {
	d.watch.mu.Lock()
	defer d.watch.mu.Unlock()
	d.watch.streams--
}

// glance looks at all workloads, once for all streams that ask at about the same time.
func (d *Dashboard) glance(r *http.Request) (overviewFacts, error) {
	d.watch.mu.Lock()
	defer d.watch.mu.Unlock()
	if now := time.Now(); d.watch.looked.IsZero() || now.Sub(d.watch.looked) > d.o.Refresh/2 {
		o, err := d.snapshot(r.Context())
		if r.Context().Err() != nil {
			return o, r.Context().Err()
		}
		d.watch.last, d.watch.err, d.watch.looked = o, err, now
	}
	return d.watch.last, d.watch.err
}

// stream is one page's.
type stream struct {
	w     http.ResponseWriter
	sent  map[string][sha256.Size]byte
	begun bool
	said  time.Time
	guard string // what was sent of it
	bad   bool
}

// tell sends what is new, or now and then that nothing is.
func (s *stream) tell(o overviewFacts, err error) error {
	now := time.Now()
	if err != nil {
		s.bad = true
		return s.send("trouble", errorFact{wording.UpperFirst(err.Error())}, now)
	}
	fresh := overviewFacts{Now: o.Now, Guard: o.Guard, Workloads: []fact{}}
	for i := range o.Workloads {
		body, err := json.Marshal(&o.Workloads[i])
		if err != nil {
			return fmt.Errorf("write facts: %w", err)
		}
		if sum := sha256.Sum256(body); s.sent[o.Workloads[i].Workload] != sum {
			s.sent[o.Workloads[i].Workload] = sum
			fresh.Workloads = append(fresh.Workloads, o.Workloads[i])
		}
	}
	text := o.Guard.Text
	said := s.guard
	s.guard = text
	if len(fresh.Workloads) == 0 && text == said && s.begun && !s.bad && now.Sub(s.said) < streamKeepAlive {
		return nil
	}
	s.begun, s.bad = true, false
	return s.send("workloads", fresh, now)
}

func (s *stream) send(event string, v any, now time.Time) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	s.said = now
	_, err = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, body)
	return err
}
