package status

import (
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/masking"
)

// quoting are the kinds whose What may end, behind a colon, with what is not this module's words: an error of a plugin,
// a reason that a plugin has given, or a mistake that quotes a config.
var quoting = []api.AttentionKind{
	api.HandlerDown, api.HandlerUnavailable, api.HandlerFailing, api.HandlerMistaken, api.HandlersMistaken, api.HandlerRejects,
	api.HandlerUnmatched, api.HandlerTrouble, api.DeadLetters, api.ReplayFailed, api.MessagesMistaken,
}

// LeaveOut makes a status one that may leave the machine: what plugins say in their own words, what mistakes quote of a
// config, and which events a replay was asked for are left out. All that this module counts and says itself stays.
func LeaveOut(v *api.Status) {
	bundled := map[string]bool{}
	for i := range v.Handlers {
		h := &v.Handlers[i]
		bundled[h.Name] = h.Bundled
		leaveOutHandler(h)
		leaveOutConditions(h)
	}
	v.Attention = slices.Clone(v.Attention)
	for i := range v.Attention {
		a := &v.Attention[i]
		own := a.Kind == api.HandlerDown || a.Kind == api.HandlerUnavailable || a.Kind == api.HandlerTrouble
		if !slices.Contains(quoting, a.Kind) || own && bundled[a.Handler] {
			continue
		}
		if what, _, found := strings.Cut(a.What, ": "); found {
			a.What = what + ": " + masking.LeftOut
		}
		a.Said = ""
	}
	for i := range v.Replays {
		r := &v.Replays[i]
		r.Error = leftOut(r.Error)
		r.Filter = api.Filter{
			Handler: r.Filter.Handler, Source: r.Filter.Source, Type: r.Filter.Type, Mode: r.Filter.Mode,
			Since: r.Filter.Since, Until: r.Filter.Until, Vehicle: leftOut(r.Filter.Vehicle), Reason: r.Filter.Reason,
		}
	}
}

func leaveOutHandler(h *api.Handler) {
	if !h.Bundled || h.Mistaken {
		h.LastError, h.Plugin.LastError, h.Breaker.Why = leftOut(h.LastError), leftOut(h.Plugin.LastError), leftOut(h.Breaker.Why)
	}
	for _, word := range []*string{&h.Plugin.Name, &h.Plugin.Version} {
		if *word != "" && !masking.ProgramWord(*word) {
			*word = masking.LeftOut
		}
	}
}

// leftOut says that there was something.
func leftOut(s string) string {
	if s == "" {
		return ""
	}
	return masking.LeftOut
}
