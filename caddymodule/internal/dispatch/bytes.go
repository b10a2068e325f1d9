package dispatch

const (
	// usualBody is what a look-up may bring at least, before a larger body was seen: the receiver takes no larger one
	// by default.
	usualBody = 256 << 10
	// headFetches bounds the heads of long calls that are leased back at one time: for a moment they are in memory
	// twice.
	headFetches = 8
)

// held counts the bytes of bodies in memory.
type held struct {
	main, fetched int
	// largest body seen, at least usualBody.
	largest int
	// heads counts look-ups of fetchHead under way.
	heads int
}

// hold counts an item's body against a share until release.
func (d *Dispatcher) hold(it *item, share *int) {
	it.share = share
	*share += len(it.event.Body)
	d.held.largest = max(d.held.largest, len(it.event.Body))
}

// release ends hold; it does nothing for an item that is not counted.
func (it *item) release() {
	if it.share == nil {
		return
	}
	*it.share -= len(it.event.Body)
	it.share = nil
}

// lookUpBytes is what one look-up may bring. One event is handed out in any case.
func (d *Dispatcher) lookUpBytes() int { return max(d.limits.chunkBytes, d.held.largest) }

// hasRoomToLookUp reports whether another lane may be looked up. One always may.
func (d *Dispatcher) hasRoomToLookUp() bool {
	return d.held.fetched == 0 || d.held.fetched+d.lookUpBytes() <= d.limits.fetchedBytes
}

// reserve counts what a lane's look-up may bring until unreserve.
func (d *Dispatcher) reserve(l *lane, size int) {
	l.reserved = size
	d.held.fetched += size
}

func (d *Dispatcher) unreserve(l *lane) {
	d.held.fetched -= l.reserved
	l.reserved = 0
}
