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

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/masking"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const (
	// mostText bounds a message and each value, mostAttrs the attributes of a line.
	mostText  = 500
	mostAttrs = 30

	keyEvent, keyEventID, keyStream = "event", "event_id", "stream"
	keyError, keyWarning, keyIP     = "error", "warning", "remote_ip"

	// SaidByPlugin stands in the place of what a plugin printed.
	SaidByPlugin = "(what a plugin printed is left out)"
)

// plain are the attributes whose texts this module makes, or whose form it checks: none is of a person, a secret, or
// said by another program. The texts of all others are left out. Ids of events and deliveries are kept, since who looks
// for one needs them and they name nobody; those of vehicles are not.
var plain = map[string]bool{
	keyEvent: true, keyEventID: true, "claimed_event_id": true, "claimed_mode": true, "delivery_id": true, "webhook_id": true,
	"source": true, "code": true, "outcome": true, "reason": true, "check": true, "do": true, keyStream: true,
	"handler": true, "handlers": true, "consumer": true, "consumers": true, "by": true,
	"path": true, "folder": true, "file": true, "buffer": true, "file_system": true, "mode": true, "target": true,
	"site": true, "directive": true, "replay": true, "kind": true, "in": true, "after": true, "limit": true,
}

// programKeys have what a plugin says of itself.
var programKeys = map[string]bool{"plugin": true, "version": true}

// wordKeys have a word of Smartcar, which an event may replace by anything.
var wordKeys = map[string]bool{"event_type": true}

// ofHandlersFiles is the message of the app's warnings about handlers files.
const ofHandlersFiles = "handlers file"

// warned begins such a warning: the file and the place in it, then a kind as handlersfile has them, or which limits of
// a handler do not fit.
var warned = regexp.MustCompile(`^[^;:"']{1,300}:[0-9]+(,[0-9]+-[0-9]+(,[0-9]+)?)?: ([A-Z][a-z]+( [a-z]+){0,6};` +
	`|handler "[A-Za-z0-9_-]{1,64}": park_after [0-9a-z.]+ is longer than the buffer's retention [0-9a-z.]+:)`)

var word = regexp.MustCompile(`^[A-Z][A-Z_]{0,39}$`)

// ownErrors begin the messages whose error or warning comes from this module, the system or the buffer. Those of other
// lines may have come from a plugin, or quote a config.
var ownErrors = []string{
	"buffer", "nothing can be received", "event not stored", "vehicles:", "cannot read", "cannot record", "cannot look up",
	"site loses events", "a message about what needs attention", "old replays", "after the next start",
	"VEHICLE_ERROR events have no handler",
}

func ownError(message string) bool {
	return slices.ContainsFunc(ownErrors, func(begin string) bool { return strings.HasPrefix(message, begin) })
}

// render writes a line as a JSON object, but for its time and its end.
func (h *handler) render(r *slog.Record, k kind) string {
	message := text.Clip(text.Clean(r.Message), mostText)
	if k == printed {
		message = SaidByPlugin
	}
	var b strings.Builder
	fmt.Fprintf(&b, `"level":%q,"logger":%s,"msg":%s`, r.Level, quote(h.logger), quote(message))
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
	return quote(masking.LeftOut)
}

func number(v slog.Value) string {
	raw, err := json.Marshal(v.Any())
	if err != nil {
		return quote(masking.LeftOut) // a float that is no number
	}
	return string(raw)
}

// kept is what is kept of a text.
func kept(message, key, s string, err error) string {
	s = text.Clip(text.Clean(s), mostText)
	switch {
	case plain[key], wordKeys[key] && word.MatchString(s), (key == keyError || key == keyWarning) && ownError(message):
		return s
	case programKeys[key] && masking.ProgramWord(s):
		return s
	case key == keyIP:
		return network(s)
	case message == ofHandlersFiles && key == keyWarning:
		return warningOf(s)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return masking.LeftOut + " " + errno.Error()
	}
	return masking.LeftOut
}

// network says of an address only in which kind of network it is.
func network(s string) string {
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return masking.LeftOut
	}
	return masking.Network(ip)
}

// warningOf is where a warning about a handlers file points, and its kind. What follows may quote the file.
func warningOf(s string) string {
	if begin := warned.FindString(s); begin != "" {
		return begin + " " + masking.LeftOut
	}
	return masking.LeftOut
}

func quote(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""` // a string is always encoded
	}
	return string(raw)
}
