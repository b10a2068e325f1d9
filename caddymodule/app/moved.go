package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// MovedError says that a reload would leave events behind in a buffer that the new config does not have.
type MovedError struct {
	From, To string
	// Waiting counts what waits in the buffer that runs, by handler, as in "3 events for crm".
	Waiting []string
}

// Error says what to do.
func (e *MovedError) Error() string {
	return fmt.Sprintf("the buffer would move from %s to %s, and nobody would deliver what waits in the first: %s. "+
		"Have it delivered before (caddy smartcar status shows it), or forget the handlers; or stop Caddy and start it "+
		"with the new config: then it stays where it is until a config names that buffer again",
		e.From, e.To, strings.Join(e.Waiting, ", "))
}

// checkMoved refuses a config with another buffer than the one that runs, as long as events wait in that one.
func (a *App) checkMoved(ctx context.Context) error {
	var moved *MovedError
	engines.Range(func(key, value any) bool {
		other, ok := value.(*sharedEngine)
		if !ok || other == a.ref.sharedEngine || other.newest() == nil {
			return true
		}
		if waiting := waitingIn(other.engine.Status(ctx)); len(waiting) > 0 {
			moved = &MovedError{From: fmt.Sprint(key), To: a.opener.Key(), Waiting: waiting}
		}
		return moved == nil
	})
	if moved == nil {
		return nil
	}
	return moved
}

func waitingIn(s engine.Status) (waiting []string) {
	add := func(name string, events uint64) {
		if events > 0 {
			waiting = append(waiting, fmt.Sprintf("%s for %s", text.Plural(events, "event"), name))
		}
	}
	for i := range s.Handlers {
		add(s.Handlers[i].Name, s.Handlers[i].Waiting)
	}
	for i := range s.Removed {
		add(s.Removed[i].Name, s.Removed[i].Waiting())
	}
	return waiting
}
