// Command low-battery is an example of a handler: it reports a low battery of a vehicle in the log and, if configured,
// by an HTTP request.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func main() { sdk.Serve(plugin()) }

// Config is the config block of handlers.hcl.
type Config struct {
	Below  float64       `config:"below" default:"20" doc:"Report a state of charge below this many percent."`
	Notify *NotifyConfig `config:"notify" doc:"Where to report it, beside the log."`
}

// NotifyConfig is the block notify.
type NotifyConfig struct {
	URL     string        `config:"url,sensitive" doc:"Address that takes a POST with a notice in JSON."`
	Timeout time.Duration `config:"timeout" default:"5s" doc:"How long one notice may take."`
}

// Validate checks what types cannot express.
func (c Config) Validate() error {
	if c.Below <= 0 || c.Below > 100 {
		return sdk.ConfigError("below", "Not a percentage", "Use a number above 0 and up to 100.")
	}
	return nil
}

func plugin() *sdk.Plugin {
	return sdk.New("low-battery", open, sdk.WithVersion("1.0.0"), sdk.WithEventTypes("VEHICLE_STATE"))
}

func open(ctx context.Context, c Config) (sdk.Handler, error) {
	w := &watcher{config: c}
	if c.Notify != nil {
		w.client = &http.Client{Timeout: c.Notify.Timeout}
		sdk.OnClose(ctx, func(context.Context) error {
			w.client.CloseIdleConnections()
			return nil
		})
	}
	return w.handle, nil
}

type watcher struct {
	config Config
	client *http.Client
}

func (w *watcher) handle(ctx context.Context, e *sdk.Event) error {
	event, err := e.Decode()
	if err != nil {
		// No retry makes this readable.
		return sdk.Reject("unreadable", err)
	}
	signal, ok := event.Signal("tractionbattery-stateofcharge")
	if !ok || signal.Failed() || e.IsStale(signal.Code) {
		// There is no reading, or none that is newer than what we have had.
		return nil
	}
	percent, ok := inPercent(signal)
	if !ok {
		// Not a value that this handler can judge. Another attempt brings the same.
		sdk.Logger(ctx).Warn("cannot read the state of charge", "vehicle_id", e.VehicleID, "unit", signal.Unit())
		return nil
	}
	if percent >= w.config.Below {
		return nil
	}
	sdk.Logger(ctx).Warn("battery is low", "vehicle_id", e.VehicleID, "percent", percent)
	if w.config.Notify == nil || e.Replay {
		// A replay is about the past; nobody wants a notice of that.
		return nil
	}
	return w.notify(ctx, e, percent)
}

// inPercent returns the value of a signal in percent. Smartcar writes 73 with the unit percent; without a unit, as in
// older events, up to 1 it is a fraction.
func inPercent(signal smartcar.Signal) (float64, bool) {
	value, ok := signal.Number()
	if !ok || value < 0 {
		return 0, false
	}
	switch signal.Unit() {
	case "percent":
		return value, true
	case "":
		if value <= 1 {
			value *= 100
		}
		return value, true
	}
	return 0, false
}

// notice is the body of the request. The same event may come twice; its id tells the other side.
type notice struct {
	EventID   string  `json:"event_id"`
	VehicleID string  `json:"vehicle_id"`
	Percent   float64 `json:"percent"`
}

func (w *watcher) notify(ctx context.Context, e *sdk.Event, percent float64) error {
	body, err := json.Marshal(notice{EventID: e.ID, VehicleID: e.VehicleID, Percent: percent})
	if err != nil {
		return fmt.Errorf("encoding the notice: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.config.Notify.URL, bytes.NewReader(body))
	if err != nil {
		return sdk.Reject("bad_url", errors.New("the address for notices cannot be used"))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", e.ID)
	resp, err := w.client.Do(req)
	if err != nil {
		// The text of err contains the address, which is sensitive.
		return sdk.Unavailable(errors.New("the address for notices cannot be reached"))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		return sdk.Retry(time.Minute, errors.New("too many notices"))
	}
	return fmt.Errorf("the notice was answered with %d", resp.StatusCode)
}
