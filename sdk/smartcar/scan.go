package smartcar

// scanner passes over a JSON text once, checks it by the rules of encoding/json,
// and notes where the values of the envelope are. It copies and allocates nothing,
// which is what makes it worth having beside encoding/json: it runs once for every
// request that is received.
type scanner struct {
	b []byte
	i int // the next byte

	// depth counts the objects and arrays that are open, and objects has a bit for
	// each, which is set if it is an object.
	depth   int
	objects [maxDepth/64 + 1]uint64

	spans [slots]span

	// cuts are the values that a retry changes, in the order of the text. Eight are
	// enough for any body but one that repeats keys on purpose.
	cuts  [8]span
	ncuts int
}

// maxDepth is how deep encoding/json lets objects and arrays nest.
const maxDepth = 10000

// span is a range of the text: the value with its quotes, if it has any. The zero
// span is a value that is absent.
type span struct{ from, to int }

// slot is a value of the envelope, or an object on the way to some.
type slot uint8

const (
	slotNone slot = iota

	// The values, grouped by the object that holds them.
	slotEventID
	slotEventType
	slotEventName
	slotVehicleID
	slotWebhookID
	slotVersion
	slotMode

	slotDataChallenge
	slotDataVehicleID
	slotDataUserID

	slotMetaVersion
	slotMetaWebhookID
	slotMetaDeliveryID
	slotMetaDeliveredAt
	slotMetaDeliveryTime
	slotMetaMode

	slotPayloadEventID
	slotPayloadVehicleID
	slotPayloadChallenge

	// The objects.
	slotRoot
	slotData
	slotDataVehicle
	slotDataUser
	slotMeta
	slotPayload

	slots
)

// lookup returns the slot of the member key of the object in. Keys are compared
// exactly, capitals and all.
func lookup(in slot, key []byte) slot {
	switch in {
	case slotRoot:
		switch string(key) {
		case "eventId":
			return slotEventID
		case "eventType":
			return slotEventType
		case "eventName":
			return slotEventName
		case "vehicleId":
			return slotVehicleID
		case "webhookId":
			return slotWebhookID
		case "version":
			return slotVersion
		case "mode":
			return slotMode
		case "data":
			return slotData
		case "meta":
			return slotMeta
		case "payload":
			return slotPayload
		}
	case slotData:
		switch string(key) {
		case "challenge":
			return slotDataChallenge
		case "vehicle":
			return slotDataVehicle
		case "user":
			return slotDataUser
		}
	case slotDataVehicle:
		if string(key) == "id" {
			return slotDataVehicleID
		}
	case slotDataUser:
		if string(key) == "id" {
			return slotDataUserID
		}
	case slotMeta:
		switch string(key) {
		case "version":
			return slotMetaVersion
		case "webhookId":
			return slotMetaWebhookID
		case "deliveryId":
			return slotMetaDeliveryID
		case "deliveredAt":
			return slotMetaDeliveredAt
		case "deliveryTime":
			return slotMetaDeliveryTime
		case "mode":
			return slotMetaMode
		}
	case slotPayload:
		switch string(key) {
		case "eventId":
			return slotPayloadEventID
		case "vehicleId":
			return slotPayloadVehicleID
		case "challenge":
			return slotPayloadChallenge
		}
	}
	return slotNone
}

// forget clears what an earlier object of the same key held: of repeated keys the
// last one counts, as a whole.
func (s *scanner) forget(object slot) {
	switch object {
	case slotData:
		s.spans[slotDataChallenge] = span{}
		s.forget(slotDataVehicle)
		s.forget(slotDataUser)
	case slotDataVehicle:
		s.spans[slotDataVehicleID] = span{}
	case slotDataUser:
		s.spans[slotDataUserID] = span{}
	case slotMeta:
		clear(s.spans[slotMetaVersion : slotMetaMode+1])
	case slotPayload:
		clear(s.spans[slotPayloadEventID : slotPayloadChallenge+1])
	}
}

// text passes over the whole text, which must be one object. On false, s.i is
// where it went wrong.
func (s *scanner) text() bool {
	s.blanks()
	if s.peek() != '{' || !s.object(slotRoot) {
		return false
	}
	s.blanks()
	return s.i == len(s.b)
}

// object passes over an object that may hold values of the envelope; s.i is at
// its brace.
func (s *scanner) object(in slot) bool {
	s.open(true)
	if s.peek() == '}' {
		s.close()
		return true
	}
	for {
		key, ok := s.key()
		if !ok || !s.member(lookup(in, key)) {
			return false
		}
		s.blanks()
		switch s.peek() {
		case ',':
			s.i++
			s.blanks()
		case '}':
			s.close()
			return true
		default:
			return false
		}
	}
}

// member passes over the value of a member and notes it if it is of the envelope.
func (s *scanner) member(at slot) bool {
	if at >= slotRoot {
		s.forget(at)
		if s.peek() == '{' {
			return s.object(at)
		}
		return s.value()
	}
	from := s.i
	if !s.value() {
		return false
	}
	s.spans[at] = span{from, s.i}
	changes := at == slotMetaDeliveryID || at == slotMetaDeliveredAt || at == slotMetaDeliveryTime
	if changes && s.ncuts < len(s.cuts) {
		s.cuts[s.ncuts] = s.spans[at]
		s.ncuts++
	}
	return true
}

// value passes over any value; s.i is at its first byte. It is a loop and not a
// recursion, so that a deeply nested text costs no stack.
func (s *scanner) value() bool {
	outside := s.depth
	for {
		switch s.peek() {
		case '{':
			if !s.open(true) {
				return false
			}
			if s.peek() == '}' {
				s.close()
				break
			}
			if _, ok := s.key(); !ok {
				return false
			}
			continue
		case '[':
			if !s.open(false) {
				return false
			}
			if s.peek() == ']' {
				s.close()
				break
			}
			continue
		default:
			if !s.scalar() {
				return false
			}
		}
		more, ok := s.ends(outside)
		if !more {
			return ok
		}
	}
}

// ends follows the end of a value: it closes what ends with it, down to the depth
// outside, or passes the comma to the next value and reports more.
func (s *scanner) ends(outside int) (more, ok bool) {
	for s.depth > outside {
		s.blanks()
		inObject := s.inObject()
		switch c := s.peek(); {
		case c == ',':
			s.i++
			s.blanks()
			if !inObject {
				return true, true
			}
			_, ok := s.key()
			return ok, ok
		case c == '}' && inObject, c == ']' && !inObject:
			s.close()
		default:
			return false, false
		}
	}
	return false, true
}

// open passes an opening bracket and the blanks after it.
func (s *scanner) open(object bool) bool {
	if s.depth == maxDepth {
		return false
	}
	word, bit := s.depth/64, uint64(1)<<(s.depth%64)
	if object {
		s.objects[word] |= bit
	} else {
		s.objects[word] &^= bit
	}
	s.depth++
	s.i++
	s.blanks()
	return true
}

// close passes a closing bracket.
func (s *scanner) close() {
	s.depth--
	s.i++
}

func (s *scanner) inObject() bool {
	at := s.depth - 1
	return s.objects[at/64]>>(at%64)&1 == 1
}

// peek returns the next byte, 0 at the end of the text. No JSON text has a 0
// outside a string, so the two need no telling apart.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) blanks() {
	// Smartcar sends none.
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return
	}
	s.someBlanks()
}

func (s *scanner) someBlanks() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}
