package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
	"unicode"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// kind is what a notice says.
type kind string

// The kinds.
const (
	kindError     kind = "error"
	kindResolved  kind = "resolved"
	kindCondition kind = "condition"
)

// id is a digest, so that the state file holds no user's id.
type id [16]byte

func (i id) String() string { return hex.EncodeToString(i[:]) }

// digestOf tells lists of texts apart also where a text holds another's end.
func digestOf(parts ...string) (sum id) {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	whole := sha256.Sum256(b)
	copy(sum[:], whole[:])
	return sum
}

// notice is one thing of an event that people may be told of.
type notice struct {
	Kind kind
	// key is what is told once in a window: source, mode, user, vehicle, type and code.
	key id
	// id is the same whenever the event comes.
	id id
	// at is when Smartcar sent the event, which tells what is older.
	at time.Time
	// position is the event's in the buffer.
	position uint64
	facts    facts
}

// facts are the fields of templates. Texts from outside have one line each, and are cut at mostFact characters.
type facts struct {
	// Kind is error, resolved or condition.
	Kind string
	// Event, EventType, Mode, Source, Vehicle, User and Webhook are those of the event's envelope.
	Event, EventType, Mode, Source, Vehicle, User, Webhook string
	ReceivedAt                                             time.Time
	// Make, Model, Year and ExternalUser are of the event's data; Year is 0 where there is none.
	Make, Model  string
	Year         int
	ExternalUser string
	// Type, Code and State are those of the error; where Smartcar gives no code, it is the type. A condition has only a
	// Code.
	Type, Code, State string
	// Message is what Smartcar suggests to say, or what follows from the resolution.
	Message string
	// Description is for engineers.
	Description string
	// Resolution is the type of what helps, such as REAUTHENTICATE. ResolutionURL and DocURL are http or https URLs.
	Resolution, ResolutionURL, DocURL string
	// Signals are the codes of those that cannot be read because of the error.
	Signals []string

	event *smartcar.Event
	stale func(code string) bool
}

const (
	// mostFact bounds a text from outside, in characters, and mostSignals the list of codes.
	mostFact    = 500
	mostSignals = 100
)

// notices are what an event may be told for: each error of a VEHICLE_ERROR once, else the event itself. One that says
// both ERROR and RESOLVED of one code still lasts. code is what a condition is called.
func notices(e *sdk.Event, parsed *smartcar.Event, code string) []notice {
	at := sentAt(e, parsed)
	common := commonFacts(e, parsed)
	of := func(k kind, f facts) notice {
		f.Kind = string(k)
		key := digestOf(e.Source, e.Mode, e.UserID, e.VehicleID, f.Type, f.Code)
		return notice{Kind: k, key: key, id: digestOf(e.Source, e.ID, key.String()), at: at, position: e.Position, facts: f}
	}
	if e.Type != smartcar.TypeVehicleError {
		common.Code, common.Message = code, "The condition "+code+" holds."
		return []notice{of(kindCondition, common)}
	}
	var list []notice
	place := map[id]int{}
	for _, err := range errorsOf(parsed) {
		n := of(kindOf(err), common.of(err))
		i, again := place[n.key]
		switch {
		case !again:
			place[n.key] = len(list)
			list = append(list, n)
		case n.Kind == kindError && list[i].Kind == kindResolved:
			list[i] = n
		}
	}
	return list
}

// apart is how far the clocks of Smartcar and of this machine may be apart.
const apart = time.Minute

// sentAt is when Smartcar sent an event: meta.deliveredAt, or when it was received where that is missing or in the
// future. A time that is yet to come would make all that comes until then too late.
func sentAt(e *sdk.Event, parsed *smartcar.Event) time.Time {
	if parsed.DeliveredAt.IsZero() || parsed.DeliveredAt.After(e.ReceivedAt.Add(apart)) {
		return e.ReceivedAt
	}
	return parsed.DeliveredAt
}

// errorsOf makes one up where an event has none that can be read: rather told than missed.
func errorsOf(parsed *smartcar.Event) []smartcar.VehicleError {
	if len(parsed.Errors) == 0 {
		return []smartcar.VehicleError{{ErrorInfo: smartcar.ErrorInfo{Code: "UNKNOWN"}}}
	}
	return parsed.Errors
}

// kindOf takes a state that is not known for an error: rather told than missed.
func kindOf(err smartcar.VehicleError) kind {
	if err.Resolved() {
		return kindResolved
	}
	return kindError
}

func commonFacts(e *sdk.Event, parsed *smartcar.Event) facts {
	return facts{
		Event: line(e.ID), EventType: line(e.Type), Mode: line(e.Mode), Source: line(e.Source),
		Vehicle: line(e.VehicleID), User: line(e.UserID), Webhook: line(e.WebhookID), ReceivedAt: e.ReceivedAt.UTC(),
		Make: line(parsed.Vehicle.Make), Model: line(parsed.Vehicle.Model), Year: parsed.Vehicle.Year,
		ExternalUser: line(parsed.User.ExternalID), event: parsed, stale: e.IsStale,
	}
}

// of are the facts of one error.
func (f facts) of(err smartcar.VehicleError) facts {
	f.Type, f.Code, f.State = line(err.Type), line(err.Code), line(err.State)
	f.Code = cmp.Or(f.Code, f.Type, "UNKNOWN")
	f.Message, f.Description = line(err.SuggestedUserMessage), line(err.Description)
	if f.Description == "" {
		f.Description = line(strings.TrimSpace(err.Title + " " + err.Detail))
	}
	if f.Message == "" {
		f.Message = fallback(err)
	}
	f.Resolution, f.ResolutionURL, f.DocURL = line(err.Resolution), link(err.ResolutionURL), link(err.DocURL)
	for _, s := range err.Signals[:min(len(err.Signals), mostSignals)] {
		f.Signals = append(f.Signals, line(s.Code))
	}
	return f
}

// fallback is what to say where Smartcar suggests nothing.
func fallback(err smartcar.VehicleError) string {
	if err.Resolved() {
		return "It is over."
	}
	switch err.Resolution {
	case smartcar.ResolutionReauthenticate:
		return "The owner must connect the vehicle again."
	case smartcar.ResolutionUserActionRequired, smartcar.ResolutionActionRequired:
		return "The owner must do something about it."
	case smartcar.ResolutionRetryLater:
		return "It may pass by itself."
	case smartcar.ResolutionContactSupport:
		return "Ask Smartcar's support."
	}
	return "Smartcar cannot read the vehicle, or a part of it."
}

// line is a text from outside as one line of what can be printed.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return clip(strings.TrimSpace(s), mostFact)
}

// link is an http or https URL from outside, "" for anything else.
func link(s string) string {
	isHTTP := strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
	if !isHTTP || len(s) > mostFact || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// clip cuts a text at so many characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}
