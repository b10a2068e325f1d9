package exec

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// environ is the environment of a run: that of the plugin, and what there is to know of the event beside its payload. A
// run for a batch gets the handler's name and the number of events only.
func environ(handler string, events []*sdk.Event) []string {
	env := append(child.Environ(), "SMARTCAR_HANDLER="+handler, "SMARTCAR_EVENTS="+strconv.Itoa(len(events)))
	if len(events) != 1 {
		return env
	}
	e := events[0]
	for name, value := range map[string]string{
		"EVENT_ID": e.ID, "EVENT_TYPE": e.Type, "MODE": e.Mode, "SOURCE": e.Source,
		"VEHICLE_ID": e.VehicleID, "USER_ID": e.UserID, "WEBHOOK_ID": e.WebhookID,
		"RECEIVED_AT": e.ReceivedAt.UTC().Format(time.RFC3339Nano), "ATTEMPT": strconv.Itoa(e.Attempt),
		"POSITION": strconv.FormatUint(e.Position, 10), "REPLAY": strconv.FormatBool(e.Replay),
		"STALE_SIGNALS": strings.Join(e.StaleSignals, " "), "SIGNATURE": e.Signature, "CONTENT_TYPE": e.ContentType,
	} {
		// Ids come from outside, and a variable cannot hold a zero byte.
		env = append(env, "SMARTCAR_"+name+"="+strings.ReplaceAll(value, "\x00", "\uFFFD"))
	}
	return env
}
