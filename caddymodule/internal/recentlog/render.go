package recentlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const (
	// mostText bounds a message and each value, mostAttrs the attributes of a line.
	mostText  = 500
	mostAttrs = 30

	keyEvent, keyEventID, keyStream = "event", "event_id", "stream"
	keyError, keyWarning, keyIP     = "error", "warning", "remote_ip"

	// LeftOut stands where something is not kept.
	LeftOut = "(left out)"
	// SaidByPlugin stands in the place of what a plugin printed.
	SaidByPlugin = "(what a plugin printed is left out)"
)

// plain are the attributes whose texts this module makes, or whose form it checks: none is of a person, a secret, or
// said by another program. The texts of all others are left out. Ids of events and deliveries are kept, since who looks
// for one needs them and they name nobody; those of vehicles are not.
var plain = map[string]bool{
	keyEvent: true, keyEventID: true, "claimed_event_id": true, "claimed_mode": true, "delivery_id": true, "webhook_id": true,
	"source": true, "code": true, "outcome": true, "reason": true, "check": true, "do": true, keyStream: true,
	"handler": true, "handlers": true, "plugin": true, "version": true, "consumer": true, "consumers": true, "by": true,
	"path": true, "folder": true, "file": true, "buffer": true, "file_system": true, "mode": true, "target": true,
	"site": true, "directive": true, "replay": true, "kind": true, "in": true, "after": true, "limit": true,
}

// wordKeys have a word of Smartcar, which an event may replace by anything.
var wordKeys = map[string]bool{"event_type": true}

var word = regexp.MustCompile(`^[A-Z][A-Z_]{0,39}$`)

// ownErrors begin the messages whose error or warning comes from this module, the system or the buffer. Those of other
// lines may have come from a plugin, or quote a config.
var ownErrors = []string{
	"buffer", "nothing can be received", "event not stored", "vehicles:", "cannot read", "cannot record", "cannot look up",
	"site loses events", "a message about what needs attention", "old replays", "after the next start",
}

func ownError(message string) bool {
	return slices.ContainsFunc(ownErrors, func(begin string) bool { return strings.HasPrefix(message, begin) })
}

// render writes a line as a JSON object.
func (h *handler) render(r *slog.Record, k kind) string {
	message := text.Clip(text.Clean(r.Message), mostText)
	if k == printed {
		message = SaidByPlugin
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"ts":%q,"level":%q,"logger":%s,"msg":%s`, r.Time.UTC().Format(time.RFC3339Nano), r.Level, quote(h.logger), quote(message))
	left := mostAttrs
	write := func(a slog.Attr) bool {
		if left == 0 {
			return false
		}
		left--
		fmt.Fprintf(&b, ",%s:%s", quote(text.Clip(text.Clean(a.Key), mostText)), value(r.Message, a))
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	// What stands in a group has no name that says what it is.
	if len(h.groups) == 0 && k != printed {
		r.Attrs(write)
	}
	b.WriteByte('}')
	return b.String()
}

// value is one attribute's, as JSON.
func value(message string, a slog.Attr) string {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		return number(v)
	case slog.KindDuration:
		return quote(v.Duration().String())
	case slog.KindTime:
		return quote(v.Time().UTC().Format(time.RFC3339Nano))
	case slog.KindString:
		return quote(kept(message, a.Key, v.String(), nil))
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			return quote(kept(message, a.Key, x.Error(), x))
		case []string:
			return quote(kept(message, a.Key, strings.Join(x, ", "), nil))
		case fmt.Stringer:
			return quote(kept(message, a.Key, x.String(), nil))
		}
	}
	return quote(LeftOut)
}

func number(v slog.Value) string {
	raw, err := json.Marshal(v.Any())
	if err != nil {
		return quote(LeftOut) // a float that is no number
	}
	return string(raw)
}

// kept is what is kept of a text.
func kept(message, key, s string, err error) string {
	s = text.Clip(text.Clean(s), mostText)
	switch {
	case plain[key], wordKeys[key] && word.MatchString(s), (key == keyError || key == keyWarning) && ownError(message):
		return s
	case key == keyIP:
		return network(s)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return LeftOut + " " + errno.Error()
	}
	return LeftOut
}

// network says of an address only in which kind of network it is: that all webhooks seem to come from a proxy, for
// instance.
func network(s string) string {
	ip, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return LeftOut
	case ip.IsLoopback():
		return "(loopback)"
	case ip.IsPrivate(), ip.IsLinkLocalUnicast():
		return "(a private address)"
	default:
		return "(a public address)"
	}
}

func quote(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""` // a string is always encoded
	}
	return string(raw)
}
