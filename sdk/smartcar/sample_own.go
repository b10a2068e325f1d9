package smartcar

import (
	"strconv"
	"time"
)

// ownState makes a VEHICLE_STATE of the Sample's own signals.
func (s Sample) ownState() []byte {
	b := s.appendHead(make([]byte, 0, max(s.Size, 4096)), TypeVehicleState)
	b = append(b, `,"signals":[`...)
	for i, signal := range s.Signals {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendOwnSignal(b, signal)
	}
	b = append(b, `]},"triggers":[`...)
	for i, t := range s.Triggers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"type":`...)
		b = appendString(b, t.Type)
		if t.Signal != (SignalRef{}) {
			b = append(b, `,"signal":`...)
			b = append(appendRef(b, t.Signal), '}')
		}
		b = append(b, '}')
	}
	b = append(b, ']')
	return s.appendMeta(b, len(s.Signals), s.Size)
}

// appendVehicle appends what follows the id, with the end of the object.
func appendVehicle(b []byte, v Vehicle) []byte {
	b = appendField(b, "make", v.Make)
	b = appendField(b, "model", v.Model)
	b = append(b, `,"year":`...)
	b = strconv.AppendInt(b, int64(v.Year), 10)
	b = appendField(b, "mode", v.Mode)
	return append(appendField(b, "powertrainType", v.PowertrainType), '}')
}

// appendOwnSignal leaves out body and meta where the signal has none, as Smartcar does where it failed.
func appendOwnSignal(b []byte, s Signal) []byte {
	b = appendRef(b, s.SignalRef)
	if len(s.Body) > 0 {
		b = append(b, `,"body":`...)
		b = append(b, s.Body...)
		b = append(b, `,"meta":{"oemUpdatedAt":`...)
		b = appendMillis(b, s.OEMUpdatedAt)
		b = append(b, `,"retrievedAt":`...)
		b = append(appendMillis(b, s.RetrievedAt), '}')
	}
	if s.Status != "" || s.Error != nil {
		b = append(b, `,"status":{"value":`...)
		b = appendString(b, s.Status)
		if s.Error != nil {
			b = append(b, `,"error":`...)
			b = append(appendErrorInfo(b, s.Error.ErrorInfo), '}')
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendErrors appends the elements of data.errors.
func appendErrors(b []byte, errors []VehicleError) []byte {
	for i, e := range errors {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendErrorInfo(b, e.ErrorInfo)
		b = appendField(b, "state", e.State)
		if len(e.Signals) > 0 {
			b = append(b, `,"signals":[`...)
			for i, ref := range e.Signals {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(appendRef(b, ref), '}')
			}
			b = append(b, ']')
		}
		b = append(b, '}')
	}
	return b
}

// appendErrorInfo appends an error without the end of its object. An empty code is null.
func appendErrorInfo(b []byte, e ErrorInfo) []byte {
	b = append(b, `{"type":`...)
	b = appendString(b, e.Type)
	b = append(b, `,"code":`...)
	if e.Code == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, e.Code)
	}
	b = appendField(b, "title", e.Title)
	b = appendField(b, "detail", e.Detail)
	b = appendField(b, "description", e.Description)
	b = appendField(b, "suggestedUserMessage", e.SuggestedUserMessage)
	b = appendField(b, "docURL", e.DocURL)
	if e.Resolution != "" {
		b = append(b, `,"resolution":{"type":`...)
		b = appendString(b, e.Resolution)
		b = append(appendField(b, "url", e.ResolutionURL), '}')
	}
	return b
}

// appendRef appends a signal's names without the end of its object.
func appendRef(b []byte, ref SignalRef) []byte {
	b = append(b, `{"code":`...)
	b = appendString(b, ref.Code)
	b = appendField(b, "name", ref.Name)
	return appendField(b, "group", ref.Group)
}

// appendField appends a further field of an object, nothing for an empty text.
func appendField(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return appendString(b, text)
}

// appendMillis writes a time as Smartcar does; 0 is one that is not known.
func appendMillis(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, '0')
	}
	return strconv.AppendInt(b, t.UnixMilli(), 10)
}
