package replay

// inbox holds notices on their way, in the order of their arrival.
type inbox struct {
	list []notice
	head int // those before it have been taken
}

// compactFrom is how many taken notices are kept at most before their room is used again.
const compactFrom = 256

// put adds a notice after those that arrive no later.
func (b *inbox) put(n notice) {
	if b.head >= compactFrom && 2*b.head >= len(b.list) {
		b.list, b.head = b.list[:copy(b.list, b.list[b.head:])], 0
	}
	b.list = append(b.list, n)
	for i := len(b.list) - 1; i > b.head && b.list[i-1].at > n.at; i-- {
		b.list[i], b.list[i-1] = b.list[i-1], n
	}
}

// waiting returns the notices that have not been taken.
func (b *inbox) waiting() []notice { return b.list[b.head:] }

// take returns the next n notices; they hold until the next put.
func (b *inbox) take(n int) []notice {
	b.head += n
	return b.list[b.head-n : b.head]
}
