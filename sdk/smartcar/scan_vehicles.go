package smartcar

import "bytes"

// vehicles passes over payload.vehicles, which events of version 2.0 may have, and notes
// the one vehicle that it names; s.i is at its bracket.
func (s *scanner) vehicles() bool {
	if !s.open(false) {
		return false
	}
	if s.peek() == ']' {
		s.close()
		return true
	}
	several := false
	for {
		if !s.listedVehicle() {
			return false
		}
		several = s.noteListed() || several
		s.blanks()
		switch s.peek() {
		case ',':
			s.i++
			s.blanks()
		case ']':
			if several {
				s.spans[slotOnlyVehicleID] = span{}
			}
			s.close()
			return true
		default:
			return false
		}
	}
}

// listedVehicle passes over an element, which names no vehicle if it is not an object.
func (s *scanner) listedVehicle() bool {
	s.forget(slotListedVehicle)
	if s.peek() == '{' {
		return s.object(slotListedVehicle)
	}
	return s.value()
}

// noteListed notes the vehicle that the last element names, and reports whether an
// element before it names another.
func (s *scanner) noteListed() bool {
	id, only := s.first(slotListedVehicleID), s.spans[slotOnlyVehicleID]
	if id == (span{}) {
		return false
	}
	if only == (span{}) {
		s.spans[slotOnlyVehicleID] = id
		return false
	}
	x, y := s.b[id.from:id.to], s.b[only.from:only.to]
	return !bytes.Equal(x, y) && unquote(x) != unquote(y)
}
