package pluginhost

import (
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// An event that ends the process whenever it is delivered becomes a dead letter that
// says how, after three times, and stops nothing else.
func TestPoison(t *testing.T) {
	thrice := []string{"bad:1#1", "bad:1#1", "bad:1#1"}
	impatient := func(tm *timing) { tm.healthEvery, tm.healthTimeout = 50*time.Millisecond, 200*time.Millisecond }
	for _, m := range []misdeed{
		{name: "exits whenever it has the event", plan: plan{role: "fake", config: inBatch}, bad: "crash",
			sent: thrice, reason: buffer.ReasonPoison, restarts: 3,
			text: []string{"the process ended: exit status 7\n", "\nits last lines were:\n    engine on fire"}},
		{name: "panics without the sdk", plan: plan{role: "fake"}, bad: "panic",
			sent: thrice, reason: buffer.ReasonPoison, restarts: 3,
			text: []string{"the process ended: exit status 2\n", "\n    panic: no such car\n"}},
		{name: "panics in a goroutine under the sdk", plan: plan{role: "sdk"}, bad: "panic-aside",
			sent: thrice, reason: buffer.ReasonPoison, restarts: 3,
			text: []string{"the process ended: exit status 2\n", "\n    panic: no such car, aside\n"}},
		{name: "eats memory", plan: plan{role: "fake"}, bad: "eat", skip: !canEatMemory,
			sent: thrice, reason: buffer.ReasonPoison, restarts: 3,
			text: []string{"the process ended: exit status 2\n", "\nits last lines were:\n"},
			// The runtime may lack the memory to say what it lacks; then it prints the processor's registers.
			either: []string{"\n    fatal error: ", "\n    rip ", "\n    pc "}},
		{name: "freezes", plan: plan{role: "fake", timing: impatient}, bad: "freeze",
			sent: thrice, reason: buffer.ReasonPoison, restarts: 3,
			text: []string{"plugin was killed because it missed 3 health checks in a row"}},
	} {
		t.Run(m.name, m.run)
	}
}
