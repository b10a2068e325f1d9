package app

import (
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// shortRetention finds handlers that hold an event longer than the buffer keeps what they are done with: when the
// event is given up, the later ones of its vehicle can be replayed, but those before it are gone. A warning, not
// an error, since nothing that waits is lost: unsettled events stay whatever their age.
func shortRetention(limits buffer.Limits, definitions []handlersfile.Definition) []string {
	var lines []string
	for i := range definitions {
		d := &definitions[i]
		if d.ParkAfter.Age > limits.Retention && limits.Retention > 0 {
			lines = append(lines, fmt.Sprintf("%s:%d: handler %q: park_after %s is longer than the buffer's retention %s:"+
				" when an event becomes a dead letter, those before it are gone and cannot be replayed with it;"+
				" raise retention or lower park_after",
				d.Range.Filename, d.Range.Start.Line, d.Name, d.ParkAfter.Age, limits.Retention))
		}
	}
	return lines
}
