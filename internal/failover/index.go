package failover

// index finds evidence by its ID: a hash table of places in the window. Of tasks that nothing is known of, nearly every one finds its
// slot empty, and is let through without a comparison of IDs. It can be used again.
type index struct {
	window []Evidence
	n      int
	slots  []int32 // place in the window + 1; 0: empty
}

// over empties the index and gives it a window, with room for so many entries.
func (x *index) over(window []Evidence, entries int) {
	if x.n > 0 {
		clear(x.slots)
	}
	x.window, x.n = window, 0
	size := max(64, len(x.slots))
	for size < 2*entries {
		size *= 2
	}
	if entries > 0 && size > len(x.slots) {
		x.slots = make([]int32, size)
	}
}

// slot is an ID's first place in the table, from its end, which is as good as random on ECS.
func (x *index) slot(id string) int {
	h := uint64(0)
	for i := len(id) - 1; i >= max(0, len(id)-8) && id[i] != '/'; i-- {
		h = h<<8 | uint64(id[i])
	}
	return int(h*0x9e3779b97f4a7c15>>40) & (len(x.slots) - 1) // Fibonacci hashing
}

// add takes up the entry at a place of the window.
func (x *index) add(place int) {
	at := x.slot(x.window[place].ID)
	for x.slots[at] != 0 {
		at = (at + 1) & (len(x.slots) - 1)
	}
	x.slots[at] = int32(place + 1)
	x.n++
}

// find returns the place of an entry with that ID, or -1: of any kind and pool where kind is empty.
func (x *index) find(id string, kind SignalKind, pool string) int {
	if x.n == 0 {
		return -1
	}
	for at := x.slot(id); x.slots[at] != 0; at = (at + 1) & (len(x.slots) - 1) {
		e := &x.window[x.slots[at]-1]
		if e.ID == taskKey(id) && (kind == "" || e.Kind == kind && e.Pool == pool) {
			return int(x.slots[at] - 1)
		}
	}
	return -1
}
