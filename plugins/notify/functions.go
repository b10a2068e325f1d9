package notify

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// errAbsent is a reading that is not there: the event has no such signal, it failed, it is stale, or it is no number.
var errAbsent = errors.New("no such reading")

// functions are those of templates beside text/template's own. lt, le, gt and ge compare whole numbers with others too,
// which text/template's refuse.
func functions(f facts) template.FuncMap {
	return template.FuncMap{
		"number": f.number, "value": f.value,
		"lt": comparing(func(a, b float64) bool { return a < b }),
		"le": comparing(func(a, b float64) bool { return a <= b }),
		"gt": comparing(func(a, b float64) bool { return a > b }),
		"ge": comparing(func(a, b float64) bool { return a >= b }),
		"join": func(sep string, list []string) string {
			return strings.Join(list, sep)
		},
	}
}

// reading is a signal that has a fresh value.
func (f facts) reading(code string) (smartcar.Signal, bool) {
	if f.event == nil {
		return smartcar.Signal{}, false
	}
	s, ok := f.event.Signal(code)
	if !ok || s.Failed() || f.stale(code) {
		return smartcar.Signal{}, false
	}
	return s, true
}

// number is the number that a signal reads.
func (f facts) number(code string) (float64, error) {
	s, _ := f.reading(code)
	n, ok := s.Number()
	if !ok {
		return 0, errAbsent
	}
	return n, nil
}

// value is what a signal reads, as text: "true", "63", "CHARGING"; "" where it has no such reading.
func (f facts) value(code string) string {
	s, ok := f.reading(code)
	if !ok {
		return ""
	}
	if n, ok := s.Number(); ok {
		return fmt.Sprint(n)
	}
	if b, ok := s.Bool(); ok {
		return fmt.Sprint(b)
	}
	text, _ := s.Text()
	return line(text)
}

func comparing(compare func(a, b float64) bool) func(a, b any) (bool, error) {
	return func(a, b any) (bool, error) {
		x, okX := asNumber(a)
		y, okY := asNumber(b)
		if !okX || !okY {
			return false, errors.New("only numbers have an order; compare texts with eq")
		}
		return compare(x, y), nil
	}
}

func asNumber(v any) (float64, bool) {
	switch r := reflect.ValueOf(v); {
	case !r.IsValid():
		return 0, false
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}

// samples are facts on which templates are tried: with everything, with nothing, and of events as they come.
func samples() []facts {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	var list []facts
	for _, body := range [][]byte{
		smartcar.Sample{}.VehicleError(), smartcar.Sample{}.VehicleState(),
		[]byte(`{"eventType":"VEHICLE_ERROR","eventId":"1","data":{"errors":[{"state":"RESOLVED","type":"PERMISSION"}]}}`),
	} {
		parsed, err := smartcar.ParseEvent(body)
		if err != nil {
			continue
		}
		e := &sdk.Event{
			ID: parsed.EventID, Type: parsed.EventType, Mode: parsed.Mode, Source: "default",
			VehicleID: parsed.VehicleID, UserID: parsed.UserID, WebhookID: parsed.WebhookID, ReceivedAt: now,
		}
		for _, n := range notices(e, parsed, "low_battery") {
			list = append(list, n.facts)
		}
	}
	return append(list, facts{stale: func(string) bool { return false }})
}
