package smartcar

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// wireRef reads a signal's name in each of its forms: an object with code, name
// and group, or a string, "Group.Name" or a code.
type wireRef SignalRef

func (r *wireRef) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		*r = wireRef(parseSignalRef(unquote(raw)))
		return nil
	}
	var w wireName
	_ = json.Unmarshal(raw, &w)
	*r = wireRef(w.ref())
	return nil
}

// wireName is the name of a signal within an object.
type wireName struct {
	Code  text `json:"code"`
	Name  text `json:"name"`
	Group text `json:"group"`
}

func (w wireName) ref() SignalRef {
	r := SignalRef{Code: string(w.Code), Name: string(w.Name), Group: string(w.Group)}
	r.complete()
	return r
}

func parseSignalRef(s string) SignalRef {
	if isSignalCode(s) {
		return SignalRef{Code: s}
	}
	group, name, ok := strings.Cut(s, ".")
	if !ok {
		return SignalRef{Name: s}
	}
	r := SignalRef{Name: name, Group: group}
	r.complete()
	return r
}

// complete makes the code from group and name, of which it always consists.
func (r *SignalRef) complete() {
	if r.Code == "" && r.Group != "" && r.Name != "" {
		r.Code = strings.ToLower(r.Group + "-" + r.Name)
	}
}

// isSignalCode reports whether s has the shape of a code: group-name, in lower case.
func isSignalCode(s string) bool {
	group, name, ok := strings.Cut(s, "-")
	return ok && group != "" && name != "" && strings.ToLower(s) == s
}

// wireTrigger reads a trigger in each of its forms: an object with type and
// signal, an object that is itself a signal's name or has only a code, or a string.
type wireTrigger Trigger

func (t *wireTrigger) UnmarshalJSON(raw []byte) error {
	var w struct {
		wireName
		Type   text    `json:"type"`
		Signal wireRef `json:"signal"`
	}
	ref := SignalRef{}
	if raw[0] == '"' {
		ref = parseSignalRef(unquote(raw))
	} else {
		_ = json.Unmarshal(raw, &w)
		ref = w.ref()
	}
	switch {
	case w.Type != "":
		*t = wireTrigger{Type: string(w.Type), Signal: SignalRef(w.Signal)}
	case w.Signal != wireRef{}:
		*t = wireTrigger{Type: TriggerSignalUpdated, Signal: SignalRef(w.Signal)}
	case isSignalCode(ref.Code):
		*t = wireTrigger{Type: TriggerSignalUpdated, Signal: ref}
	case ref.Code != "":
		*t = wireTrigger{Type: ref.Code} // {"code":"FIRST_DELIVERY"}
	default:
		*t = wireTrigger{Type: ref.Name} // "FIRST_DELIVERY"
	}
	return nil
}

// triggers joins the triggers of both places; one that is in both counts once.
func triggers(places ...list[wireTrigger]) []Trigger {
	var all []Trigger
	for _, place := range places {
		for _, w := range place {
			t := Trigger(w)
			known := slices.ContainsFunc(all, func(o Trigger) bool {
				return o.Type == t.Type && o.Signal.Code == t.Signal.Code
			})
			if t != (Trigger{}) && !known {
				all = append(all, t)
			}
		}
	}
	return all
}

// wireSignal reads a signal of data.signals.
type wireSignal Signal

func (s *wireSignal) UnmarshalJSON(raw []byte) error {
	*s = wireSignal(readSignal(raw, isAnything))
	return nil
}

// readSignal reads a signal; for isOwn see bodyBeside.
func readSignal(raw []byte, isOwn func(json.RawMessage) bool) Signal {
	var w struct {
		wireName
		Body json.RawMessage `json:"body"`
		Meta struct {
			OEMUpdatedAt instant `json:"oemUpdatedAt"`
			RetrievedAt  instant `json:"retrievedAt"`
			FetchedAt    instant `json:"fetchedAt"`
		} `json:"meta"`
		Status struct {
			Value text           `json:"value"`
			Error *wireErrorInfo `json:"error"`
		} `json:"status"`
	}
	_ = json.Unmarshal(raw, &w)
	s := Signal{
		SignalRef:    w.ref(),
		OEMUpdatedAt: time.Time(w.Meta.OEMUpdatedAt),
		RetrievedAt:  time.Time(w.Meta.RetrievedAt),
		Status:       string(w.Status.Value),
	}
	if string(w.Body) != "null" {
		s.Body = w.Body
	}
	if s.RetrievedAt.IsZero() {
		s.RetrievedAt = time.Time(w.Meta.FetchedAt)
	}
	if w.Status.Error != nil {
		s.Error = &SignalError{w.Status.Error.info()}
	}
	if w.Body == nil && !s.Failed() {
		s.Body = bodyBeside(raw, isOwn)
	}
	if s.Status == "" {
		s.Status = impliedStatus(s)
	}
	return s
}

// impliedStatus is the status of a signal from before November 2025, when only
// those that failed had one.
func impliedStatus(s Signal) string {
	switch {
	case s.Error != nil:
		return StatusError
	case s.Body != nil:
		return StatusSuccess
	}
	return ""
}
