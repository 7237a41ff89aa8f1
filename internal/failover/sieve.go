package failover

import "time"

// noticeSet is the evidence of tasks under interruption notice: a sieve of their IDs that lets nearly every other
// task through without a comparison, and a map when they are many. For a few a map would cost more to make
// in every pass than it saves.
type noticeSet struct {
	n      int
	from   time.Time
	window []Evidence
	sieve  [64]uint64
	ids    map[string]struct{} // nil for up to noticesFew
}

// noticesFew is how many tasks under notice are found faster by going through the evidence.
const noticesFew = 32

// hole is a task's bit of the sieve, from the end of its ID, which is as good as random on ECS.
func hole(id string) (word, bit uint32) {
	h := uint32(2166136261) // FNV-1a
	for i := len(id) - 1; i >= max(0, len(id)-8) && id[i] != '/'; i-- {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return h >> 6 % 64, h % 64
}

// findNotices finds the tasks that are under notice by the evidence.
func findNotices(window []Evidence, now time.Time) noticeSet {
	g := noticeSet{from: now.Add(-noticedFor), window: window}
	for i := range window {
		if e := &window[i]; loses(e.Kind) && !e.At.Before(g.from) {
			g.n++
			word, bit := hole(e.ID)
			g.sieve[word] |= 1 << bit
		}
	}
	if g.n <= noticesFew {
		return g
	}
	g.ids = make(map[string]struct{}, g.n)
	for i := range window {
		if e := &window[i]; loses(e.Kind) && !e.At.Before(g.from) {
			g.ids[e.ID] = struct{}{}
		}
	}
	return g
}

// noticed reports whether a task is under notice.
func (g *noticeSet) noticed(id string) bool {
	if g.n == 0 {
		return false
	}
	if word, bit := hole(id); g.sieve[word]&(1<<bit) == 0 {
		return false
	}
	id = taskKey(id)
	if g.ids != nil {
		_, ok := g.ids[id]
		return ok
	}
	for i := range g.window {
		if e := &g.window[i]; e.ID == id && loses(e.Kind) && !e.At.Before(g.from) {
			return true
		}
	}
	return false
}
