package disk

// sound is a position whose record is whole, 0 where there is none.
type sound struct {
	position uint64
	trailer  trailer
}

// firstSound returns the first sound record between two positions.
func (b *Buffer) firstSound(from, to uint64) (s sound, err error) {
	err = b.events.Scan(from, to, s.take)
	return s, err
}

// lastSound returns the last sound record between two positions.
func (b *Buffer) lastSound(from, to uint64) (s sound, err error) {
	err = b.events.ScanBack(from, to, s.take)
	return s, err
}

func (s *sound) take(position uint64, raw []byte, err error) bool {
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
