package admin

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// The parameters that pick events and dead letters. In a JSON body they are the
// fields of Filter; the names are the same.
var (
	eventParams      = []string{"source", "vehicle", "type", "mode", "webhook", "since", "until"}
	deadLetterParams = slices.Concat([]string{"dead_letter_id", "event_id", "handler", "reason"}, eventParams)
)

// filter reads the filter of a query.
func (p params) filter() (engine.Filter, error) {
	o := api.Filter{DeadLetterIDs: p["dead_letter_id"], EventIDs: p["event_id"]}
	for name, to := range map[string]*string{
		"handler": &o.Handler, "reason": &o.Reason, "source": &o.Source, "vehicle": &o.Vehicle, "type": &o.Type,
		"mode": &o.Mode, "webhook": &o.Webhook, "since": &o.Since, "until": &o.Until,
	} {
		value, err := p.one(name)
		if err != nil {
			return engine.Filter{}, err
		}
		*to = value
	}
	return engineFilter(o)
}

// deadLetterFilter is filter, for dead letters.
func (p params) deadLetterFilter() (engine.Filter, error) {
	f, err := p.filter()
	if err != nil {
		return f, err
	}
	if err := f.CheckDeadLetters(); err != nil {
		return f, apiErrorf(http.StatusBadRequest, "%w", err)
	}
	return f, nil
}

func reasonNames() string {
	reasons := replay.Reasons()
	names := make([]string, 0, len(reasons))
	for _, r := range reasons {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// engineFilter checks a filter and turns it into the engine's filter.
func engineFilter(o api.Filter) (engine.Filter, error) {
	f := engine.Filter{
		EventIDs: o.EventIDs, Source: o.Source, Vehicle: o.Vehicle, Type: o.Type, Mode: o.Mode,
		Webhook: o.Webhook, Handler: o.Handler, Reason: buffer.Reason(o.Reason),
	}
	for _, id := range o.DeadLetterIDs {
		f.DeadLetters = append(f.DeadLetters, buffer.DeadLetterID(id))
	}
	if slices.Contains(o.DeadLetterIDs, "") || slices.Contains(o.EventIDs, "") {
		return f, apiErrorf(http.StatusBadRequest, "an id is empty: give a value or leave it out")
	}
	if o.Reason != "" && !slices.Contains(replay.Reasons(), f.Reason) {
		return f, apiErrorf(http.StatusBadRequest, "reason %q: must be one of %s", o.Reason, reasonNames())
	}
	var sinceErr, untilErr error
	f.Since, sinceErr = api.ParseTime("since", o.Since)
	f.Until, untilErr = api.ParseTime("until", o.Until)
	if err := cmp.Or(sinceErr, untilErr); err != nil {
		return f, apiErrorf(http.StatusBadRequest, "%w", err)
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, apiErrorf(http.StatusBadRequest, "since %s is not before until %s",
			f.Since.Format(time.RFC3339), f.Until.Format(time.RFC3339))
	}
	return f, nil
}

// isEmpty reports whether a filter restricts nothing.
func isEmpty(f engine.Filter) bool { return reflect.DeepEqual(f, engine.Filter{}) }
