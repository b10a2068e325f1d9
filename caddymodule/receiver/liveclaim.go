package receiver

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Bounds of looking at refused bodies. Anybody can send them without end, and to look at one costs about as much as the
// check of its signature did.
const (
	// largestLooked is more than Smartcar sends, which is 50 kB.
	largestLooked = 64 << 10
	// looksPerSecond is how many are looked at in the long run, looksAtOnce how many before that counts.
	looksPerSecond = 20
	looksAtOnce    = 100
)

// isLive reports whether an event with a right signature counts as LIVE. Smartcar's of 2025 have no mode.
func isLive(mode string) bool { return mode == smartcar.ModeLive || mode == "" }

// noteMismatch counts a refused body that claims to be a LIVE event. The claim is worth nothing by itself: see
// traffic.LiveRefusals.
func (g *Gate) noteMismatch(at time.Time, body []byte) {
	if len(body) > largestLooked {
		return
	}
	if !g.looks.Allow() {
		g.counts.RefusedUnlooked()
		return
	}
	e, err := smartcar.ParseEnvelope(body)
	if err == nil && !e.IsVerify && e.Mode == smartcar.ModeLive {
		g.counts.RefusedLive(at, e.WebhookID)
	}
}
