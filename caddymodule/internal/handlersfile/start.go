package handlersfile

import (
	"fmt"
	"math/big"
	"regexp"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

var digits = regexp.MustCompile(`^[0-9]{1,9}$`)

// This file reads where a handler starts, how long a failing event may hold up its vehicle,
// and what becomes of old values.

// parkAfter takes a text for an age and a number for attempts. It is read after
// the retry block, whose attempts it is compared with.
func (l *loader) parkAfter(attr *hcl.Attribute, d *Definition) {
	if attr == nil {
		return
	}
	at := attr.Expr.Range()
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() || value.IsNull() || !value.IsWhollyKnown() {
		// Says what is wrong with it.
		l.value(attr, cty.String)
		return
	}
	switch value.Type() {
	case cty.Number:
		attempts, accuracy := value.AsBigFloat().Int64()
		if accuracy != big.Exact || attempts < int64(parkAttemptsRange.min) || attempts > int64(parkAttemptsRange.max) {
			l.errorf(at, "Number out of range", `A number in park_after counts attempts, from %d to %d. An age is a text with a unit, as in park_after = "6h".`,
				parkAttemptsRange.min, parkAttemptsRange.max)
			return
		}
		if attempts >= int64(d.Retry.MaxAttempts) {
			l.diags = append(l.diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: "Limit that changes nothing", Subject: &at,
				Detail: fmt.Sprintf("An event is a dead letter after max_attempts = %d attempts already. Take a smaller number, raise max_attempts in the retry block, or leave the line out.", d.Retry.MaxAttempts),
			})
		}
		d.ParkAfter.Attempts = int(attempts)
	case cty.String:
		if digits.MatchString(value.AsString()) {
			l.errorf(at, "Duration without a unit", `An age is a text with a unit: park_after = "%sh". A number of attempts stands without quotes: park_after = %s.`,
				value.AsString(), value.AsString())
			return
		}
		l.duration(attr, parkAgeRange, &d.ParkAfter.Age)
	default:
		l.errorf(at, "Wrong type", `park_after wants an age, as in park_after = "6h", or a number of attempts, as in park_after = 5; this is %s.`,
			article(value.Type()))
	}
}

func (l *loader) start(attr *hcl.Attribute, to *Start) {
	given, ok := l.text(attr)
	if !ok {
		return
	}
	places := []string{string(StartNow), string(StartBeginning)}
	switch given {
	case string(StartNow), string(StartBeginning):
		*to = Start{From: StartFrom(given)}
		return
	}
	if t, err := time.Parse(time.RFC3339, given); err == nil {
		*to = Start{From: StartAt, At: t.UTC()}
		return
	}
	at := attr.Expr.Range()
	if t, ok := nearlyTime(given); ok {
		l.errorf(at, "Unreadable time", `A time has a date, a time of day and a zone, as in start = "%s".`, t.Format(time.RFC3339))
		return
	}
	l.errorf(at, "Unknown start",
		`start is "now", "beginning" (the oldest stored event), or a time such as "2026-03-01T00:00:00Z".%s`, text.DidYouMean(given, places))
}

// nearlyTime reads times that lack their zone or their time of day.
func nearlyTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateTime, "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (l *loader) signals(block *hcl.Block, to *Stale) {
	attr := l.content(block, signalsSchema)["stale"]
	given, ok := l.text(attr)
	if !ok {
		return
	}
	switch stale := Stale(given); stale {
	case StaleDeliver, StaleMark, StaleDrop:
		*to = stale
		return
	}
	l.errorf(attr.Expr.Range(), "Unknown way with stale signals",
		`stale is "deliver" (as all others), "mark" (named in the delivery) or "drop" (cut out of the body).%s`,
		text.DidYouMean(given, []string{string(StaleDeliver), string(StaleMark), string(StaleDrop)}))
}
