package ecsim

import (
	"strconv"
	"strings"
)

// A task's number (uid) is its serial number and, in the low slotBits, its slot. Its public ID is 32 hexadecimal digits: 16 of noise
// and 16 of the number run through a bijection, so that an ID leads back to the slot without a map and still looks like ECS's.
const (
	slotBits = 24
	slotMask = 1<<slotBits - 1
	oddA     = 0xd6e8feb86659fd93
	oddB     = 0xa0761d6478bd642f
	inverseA = 0xcfee444d8b59a89b // of oddA, modulo 2^64
	inverseB = 0x939c72e4af1e62cf // of oddB
)

func (w *World) taskID(uid uint64) string {
	x := uid ^ scramble(w.cfg.Seed)
	x *= oddA
	x ^= x >> 32
	x *= oddB
	x ^= x >> 32
	var b [32]byte
	hex(b[:16], scramble(uid^w.cfg.Seed))
	hex(b[16:], x)
	return string(b[:])
}

// find returns the task with this ID or ARN in one cluster, or nil.
func (w *World) find(cl *cluster, id string) *task {
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		id = id[i+1:]
	}
	if len(id) != 32 {
		return nil
	}
	x, err := strconv.ParseUint(id[16:], 16, 64)
	if err != nil {
		return nil
	}
	x ^= x >> 32
	x *= inverseB
	x ^= x >> 32
	x *= inverseA
	uid := x ^ scramble(w.cfg.Seed)
	slot := uid & slotMask
	if slot >= uint64(len(w.tasks)) {
		return nil
	}
	t := w.tasks[slot]
	if t.uid != uid || !t.used || t.cluster != cl || w.id(t) != id {
		return nil
	}
	return t
}

// id returns the task's ID, made once a life.
func (w *World) id(t *task) string {
	if t.id == "" {
		t.id = w.taskID(t.uid)
	}
	return t.id
}

// arn returns the task's ARN, made once a life.
func (w *World) arn(t *task) string {
	if t.arn == "" {
		t.arn = w.taskARN(t)
	}
	return t.arn
}

func (w *World) taskARN(t *task) string {
	return "arn:aws:ecs:" + t.cluster.region.name + ":" + w.cfg.Account + ":task/" + t.cluster.name + "/" + w.id(t)
}

// uuid returns the nth identifier of a stream in the shape of a version 4 UUID.
func (w *World) uuid(stream, n uint64) string {
	const dashes = "........-....-4...-8...-............"
	var digits [32]byte
	hex(digits[:16], scramble(scramble(w.cfg.Seed^stream)^n))
	hex(digits[16:], scramble(scramble(w.cfg.Seed+stream+1)+n))
	b := []byte(dashes)
	d := 0
	for i, c := range b {
		if c == '.' {
			b[i] = digits[d]
			d++
		}
	}
	return string(b)
}

func hex(dst []byte, x uint64) {
	const digits = "0123456789abcdef"
	for i := range dst {
		dst[i] = digits[x>>(60-4*i)&15]
	}
}
