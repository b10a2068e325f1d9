package pluginhost

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// explainConnect says what go-plugin's error at the start means, from what the
// process did.
func (p *process) explainConnect(err error, limit time.Duration) error {
	p.mu.Lock()
	cmd, startErr := p.cmd, p.startErr
	p.mu.Unlock()
	switch {
	case startErr != nil:
		return explainStart(p.command, startErr)
	case cmd == nil:
		return fmt.Errorf("preparing the start: %w", err)
	}
	line, ok := p.first.text()
	switch {
	case !ok, line == "" && strings.Contains(err.Error(), "timeout while waiting"):
		return fmt.Errorf("%s printed no handshake on its stdout within %v: is it a handler plugin?", p.command, limit)
	case line == "":
		return fmt.Errorf("%s printed no handshake of a handler plugin", p.command)
	case strings.Contains(err.Error(), "incompatible API version"):
		return fmt.Errorf("%s speaks version %q of the handler protocol, this host speaks %d: build the plugin with the sdk of this host's version, or take the host that fits it",
			p.command, capTo(strings.Split(line+"|", "|")[1], tailBytes), handlerv1.ProtocolVersion)
	case strings.Count(line, "|") < 3:
		return fmt.Errorf("%s printed %q first instead of the handshake of a handler plugin: is it one? A plugin must print nothing on stdout before the handshake",
			p.command, capTo(line, tailBytes))
	}
	return fmt.Errorf("handshake of %s: %s", p.command, capText(err.Error()))
}
