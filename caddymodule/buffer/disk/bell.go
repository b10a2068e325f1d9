package disk

// bell asks for work that is the same however often it is asked for.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

// ring does not wait.
func (l bell) ring() {
	select {
	case l <- struct{}{}:
	default:
	}
}

// whenever does the work each time that the bell was rung, until Close or the seal.
func (b *Buffer) whenever(rung bell, work func()) {
	for {
		select {
		case <-b.closing:
			return
		case <-b.seal.broken:
			return
		case <-rung:
			work()
		}
	}
}
