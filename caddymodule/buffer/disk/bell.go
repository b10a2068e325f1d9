package disk

// trigger asks for work that is the same however often it is asked for.
type trigger chan struct{}

func newTrigger() trigger { return make(trigger, 1) }

// ring does not wait.
func (l trigger) fire() {
	select {
	case l <- struct{}{}:
	default:
	}
}

// onTrigger does the work each time that the trigger was fired, until Close or the halt.
func (b *Buffer) onTrigger(fired trigger, work func()) {
	for {
		select {
		case <-b.closing:
			return
		case <-b.failure.halted:
			return
		case <-fired:
			work()
		}
	}
}
