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
	// slotListedVehicleID is of the element of payload.vehicles under way, and
	// slotOnlyVehicleID the one that the list names.
	slotListedVehicleID
	slotOnlyVehicleID

	// The objects, and a list of them.
	slotRoot
	slotData
	slotDataVehicle
	slotDataUser
	slotMeta
	slotPayload
	slotListedVehicle
	slotPayloadVehicles

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
		case "vehicles":
			return slotPayloadVehicles
		}
	case slotListedVehicle:
		if string(key) == "vehicleId" {
			return slotListedVehicleID
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
		s.forget(slotPayloadVehicles)
	case slotPayloadVehicles:
		s.spans[slotOnlyVehicleID] = span{}
	case slotListedVehicle:
		s.spans[slotListedVehicleID] = span{}
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
		switch c := s.peek(); {
		case at == slotPayloadVehicles && c == '[':
			return s.vehicles()
		case at != slotPayloadVehicles && c == '{':
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

// open passes an opening bracket and the blanks after it.
func (s *scanner) open(object bool) bool {
	if s.depth == maxDepth {
		return false
	}
	s.note(s.depth, object)
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

// note remembers whether what opens at a depth is an object.
func (s *scanner) note(depth int, object bool) {
	word, bit := depth/64, uint64(1)<<(depth%64)
	if object {
		s.objects[word] |= bit
	} else {
		s.objects[word] &^= bit
	}
}

func (s *scanner) isObject(depth int) bool {
	return s.objects[depth/64]>>(depth%64)&1 == 1
}

// peek returns the next byte, 0 at the end of the text.
func (s *scanner) peek() byte { return byteAt(s.b, s.i) }

func (s *scanner) blanks() { s.i = passBlanks(s.b, s.i) }
