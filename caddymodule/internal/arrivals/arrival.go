package arrivals

// Sender is what a body comes from.
type Sender interface {
	// GiveUp makes the reading of the body fail that is under way. It returns at once and calls nothing of its
	// Budget.
	GiveUp()
}

// Arrival is one request's part of a budget. One may be used for several requests, one after the other:
// each begins with Begin and ends with End. Its methods are called by one goroutine.
type Arrival struct {
	budget *Budget
	sender Sender
	// fixed is what the request takes beside the buffer of its body, announced is how large this may become.
	fixed, announced int64

	// What follows is the budget's, under its lock.
	share      *share // nil while nothing is held
	held       int64
	linked     bool // it can give way
	leaving    bool // it has been told to
	prev, next *Arrival
}

// Begin is called before the first byte of a body is read. fixed is what the request takes until its body has arrived,
// in bytes, beside the buffer of the body; announced is how large the body may become. It reports whether there is room.
func (a *Arrival) Begin(b *Budget, sender Sender, fixed, announced int64) bool {
	*a = Arrival{budget: b, sender: sender, fixed: fixed, announced: announced}
	return fixed == 0 || a.Grow(0)
}

// Grow is called before the buffer of the body gets so many bytes. It reports whether there is room.
func (a *Arrival) Grow(size int64) bool {
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.leaving {
		return false
	}
	s, held := b.shareOf(max(size, a.announced)), a.fixed+size
	more := held
	if a.share == s {
		more -= a.held
	}
	if s.held+more > s.limit {
		s.makeRoom(a) // for the next one
		return false
	}
	if a.share != s {
		if a.share != nil {
			a.share.drop(a)
		}
		s.link(a)
	}
	s.held += more
	a.share, a.held = s, held
	s.makeRoom(a)
	return true
}

// Arrived is called when the whole body is there: it gives way no more, and takes only its buffer until End.
func (a *Arrival) Arrived() {
	if a.share == nil {
		return
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.share.drop(a)
	a.leaving, a.held, a.fixed = false, a.held-a.fixed, 0
	a.share.held += a.held
}

// End gives everything back. It may be called without Begin, and again.
func (a *Arrival) End() {
	if a.share == nil {
		return
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.share.drop(a)
	a.share, a.held = nil, 0
}
