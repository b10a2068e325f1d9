package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// rows are what a batch of events becomes, one for each line of a table, in the order of the events.
type rows struct {
	events  []*sdk.Event
	signals []signalRow
	errors  []errorRow
}

// signalRow is a reading of one event.
type signalRow struct {
	event *sdk.Event
	code  string
	body  *string
	age   age
}

// errorRow is an error of one event, the n-th of it from 0.
type errorRow struct {
	event *sdk.Event
	n     int
	at    time.Time
	smartcar.VehicleError
}

// rowsOf reads what the tables of c take. A body that cannot be read still is a row of events.
func rowsOf(c config, events []*sdk.Event) rows {
	r := rows{}
	if c.Events {
		r.events = events
	}
	for _, e := range events {
		wanted := c.Signals && e.Type == smartcar.TypeVehicleState || c.Errors && e.Type == smartcar.TypeVehicleError
		if !wanted || e.VehicleID == "" {
			continue
		}
		decoded, err := e.Decode()
		if err != nil {
			continue
		}
		if c.Signals {
			r.signals = append(r.signals, signalRows(e, decoded)...)
		}
		if c.Errors {
			r.errors = append(r.errors, errorRows(e, decoded)...)
		}
	}
	return r
}

// signalRows are the readings: not what failed, and not what has neither code nor body.
func signalRows(e *sdk.Event, decoded *smartcar.Event) []signalRow {
	var r []signalRow
	for _, s := range decoded.Signals {
		if s.Failed() || s.Code == "" || s.Body == nil {
			continue
		}
		if body := jsonText(s.Body); body != nil {
			r = append(r, signalRow{e, s.Code, body, ageOf(e, decoded, s)})
		}
	}
	return r
}

func errorRows(e *sdk.Event, decoded *smartcar.Event) []errorRow {
	var r []errorRow
	for n, v := range decoded.Errors {
		r = append(r, errorRow{e, n, toldAt(e, decoded), v})
	}
	return r
}

// signalCodes are the codes of the signals that an error affects, or their names where there is no code.
func (r errorRow) signalCodes() []string {
	codes := []string{}
	for _, s := range r.Signals {
		if name := s.Code; name != "" {
			codes = append(codes, clean(name))
		} else if s.Name != "" {
			codes = append(codes, clean(s.Name))
		}
	}
	return codes
}

// clean makes text that PostgreSQL takes: without NUL, and UTF-8.
func clean(s string) string {
	if utf8.ValidString(s) && !strings.ContainsRune(s, 0) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// maxKey bounds text that is in an index, whose entries have 2704 bytes at most.
const maxKey = 300

// key makes text that can stand in an index. What had to be changed for that ends in a digest, so that what was
// different stays different.
func key(s string) string {
	cleaned := clean(s)
	if cleaned == s && len(s) <= maxKey {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	begin := strings.ToValidUTF8(cleaned[:min(len(cleaned), maxKey-2*len(sum)-1)], "")
	return begin + "#" + hex.EncodeToString(sum[:])
}

// orNull is nil for "".
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	cleaned := clean(s)
	return &cleaned
}
