package status

import (
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

func TestNotReady(t *testing.T) {
	open := engine.Status{Receiving: engine.ReceivingOpen}
	full, slow, hangs := open, open, open
	full.Buffer.Full = buffer.ErrFull
	slow.Buffer.Writing, hangs.Buffer.Writing = 5*time.Second, 5*time.Second+1
	for _, tt := range []struct {
		name string
		s    engine.Status
		want string
	}{
		{"open", open, ""},
		{"opening", engine.Status{Receiving: engine.ReceivingOpening}, "opening"},
		{"failed", engine.Status{Receiving: engine.ReceivingFailed}, "failed"},
		{"halted", engine.Status{Receiving: engine.ReceivingHalted, Error: buffer.ErrHalted}, "halted"},
		{"closed", engine.Status{Receiving: engine.ReceivingClosed}, "closed"},
		{"full", full, "full"},
		{"a sync that takes as long as it may", slow, ""},
		{"a sync that takes longer", hangs, "hanging"},
		{"a handler that is down", engine.Status{
			Receiving: engine.ReceivingOpen, Handlers: []engine.HandlerStatus{{Name: "crm"}},
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NotReady(tt.s, 5*time.Second); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
