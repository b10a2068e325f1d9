package disk

// intact is a position whose record is whole, 0 where there is none.
type intact struct {
	position uint64
	trailer  trailer
}

// firstIntact returns the first intact record between two positions.
func (b *Buffer) firstIntact(from, to uint64) (s intact, err error) {
	err = b.events.Scan(from, to, s.take)
	return s, err
}

// lastIntact returns the last intact record between two positions.
func (b *Buffer) lastIntact(from, to uint64) (s intact, err error) {
	err = b.events.ScanBack(from, to, s.take)
	return s, err
}

func (s *intact) take(position uint64, raw []byte, err error) bool {
	if err != nil {
		return true
	}
	_, t, err := openRecord(raw, position)
	if err != nil {
		return true
	}
	s.position, s.trailer = position, t
	return false
}
