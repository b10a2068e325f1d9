package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// noteMaxAge warns of a receiver's max_age that leaves a gap, and notes that it refuses deliveries.
func (a *App) noteMaxAge(m Member) {
	if line := longMaxAge(m.Source, m.MaxAge, a.opener.Limits().DedupeWindow); line != "" {
		a.log.Warn("receiver", slog.String("warning", line))
	}
	if m.RefusesOld && !slices.Contains(a.refusingOld, m.Source) {
		a.refusingOld = append(a.refusingOld, m.Source)
	}
}

// longMaxAges finds the same in the JSON of Caddy's app http, as far as that can be read.
func longMaxAges(raw json.RawMessage, window time.Duration) []string {
	var app struct {
		Servers map[string]*sitecheck.Server `json:"servers"`
	}
	if raw == nil || json.Unmarshal(raw, &app) != nil {
		return nil // what cannot be read is for Caddy to say
	}
	var lines []string
	for _, server := range app.Servers {
		for _, h := range server.Receivers() {
			var m struct {
				Limit caddy.Duration `json:"limit"`
			}
			if h.MaxAge == nil || json.Unmarshal(h.MaxAge, &m) != nil {
				continue
			}
			if line := longMaxAge(cmp.Or(h.Source, DefaultSource), time.Duration(m.Limit), window); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// longMaxAge says that a max_age is longer than the buffer remembers events, "" where it is not.
func longMaxAge(source string, maxAge, window time.Duration) string {
	if maxAge == 0 || window == 0 || maxAge <= window {
		return ""
	}
	return fmt.Sprintf("the max_age of source %s is %s, but the buffer finds duplicates for %s only (dedupe_window): "+
		"between the two a recorded delivery that is sent again is stored as a new event; "+
		"write a max_age that is a little less", source, text.Duration(maxAge), text.Duration(window))
}
