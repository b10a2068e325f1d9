package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// testPlugins are handlers' own programs, of which the test binary is each.
var testPlugins = map[string]func() *sdk.Plugin{
	// hang writes down each event, unless a file stands in the way: then it neither
	// answers nor heeds its context.
	"hang": func() *sdk.Plugin { return sdk.New("hang", openHang) },
	// states does the same with states; it wants nothing else.
	"states": func() *sdk.Plugin { return sdk.New("states", openHang, sdk.WithEventTypes("VEHICLE_STATE")) },
	// poison writes down each event, but ends at one.
	"poison": func() *sdk.Plugin { return sdk.New("poison", openPoison) },
	// moody answers each event as its id says.
	"moody": func() *sdk.Plugin { return sdk.New("moody", openMoody) },
	// telltale says what it should not, in every way that a plugin has.
	"telltale": func() *sdk.Plugin { return sdk.New("telltale", openTelltale) },
	// span writes down which span it was called in.
	"span": func() *sdk.Plugin { return sdk.New("span", openSpan) },
	// record writes down what it did with each event, and with which bytes.
	"record": func() *sdk.Plugin { return sdk.NewBatch("record", openRecord, sdk.WithMaxBatch(killBatch)) },
}

func serveTestPlugin(name string) {
	newPlugin, ok := testPlugins[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no plugin %q\n", name)
		os.Exit(1)
	}
	sdk.Serve(newPlugin())
}

// ownHandler is a block of a handlers file with one of testPlugins; more are attributes.
func ownHandler(t *testing.T, name, plugin, more string, config map[string]string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for key, value := range config {
		fmt.Fprintf(&lines, "    %s = %q\n", key, value)
	}
	// A plugin built for the race detector would wait a second at its end.
	return fmt.Sprintf(`handler %q {
  plugin = %q
  args   = ["plugin", %q]
  env    = { GORACE = "atexit_sleep_ms=0" }
  %s
  config {
%s  }
}
`, name, self, plugin, more, lines.String())
}

type hangConfig struct {
	Path string `config:"path" doc:"Where events are written down."`
	Gate string `config:"gate" doc:"While this file is there, events hang."`
	Seen string `config:"seen" doc:"Where events that hang are written down."`
}

func openHang(_ context.Context, c hangConfig) (sdk.Handler, error) {
	return func(_ context.Context, e *sdk.Event) error {
		if _, err := os.Stat(c.Gate); err != nil {
			return writeDown(c.Path, e)
		}
		if err := writeDown(c.Seen, e); err != nil {
			return err
		}
		select {}
	}, nil
}

type poisonConfig struct {
	Path  string `config:"path" doc:"Where events are written down."`
	Event string `config:"event" doc:"The id of the event that kills."`
	Tries string `config:"tries" doc:"Where it is written down."`
}

func openPoison(_ context.Context, c poisonConfig) (sdk.Handler, error) {
	return func(_ context.Context, e *sdk.Event) error {
		if e.ID != c.Event {
			return writeDown(c.Path, e)
		}
		if err := writeDown(c.Tries, e); err != nil {
			return err
		}
		// A panic here would only be a failed attempt; one elsewhere ends the process.
		go panic("this event cannot be digested")
		select {}
	}, nil
}

type moodyConfig struct{}

func openMoody(context.Context, moodyConfig) (sdk.Handler, error) {
	return func(_ context.Context, e *sdk.Event) error {
		switch mood, _, _ := strings.Cut(e.ID, "-"); mood {
		case "rejected":
			return sdk.Reject("no_such_car", nil)
		case "failing":
			return errors.New("the database says no")
		case "crashing":
			panic("a careless handler")
		}
		return nil
	}, nil
}

type telltaleConfig struct {
	Secret string `config:"secret" doc:"What it says."`
}

func openTelltale(_ context.Context, c telltaleConfig) (sdk.Handler, error) {
	return func(ctx context.Context, e *sdk.Event) error {
		said := c.Secret + " of " + e.VehicleID
		sdk.Logger(ctx).Warn(said, "who", said)
		fmt.Fprintln(os.Stderr, said)
		switch mood, _, _ := strings.Cut(e.ID, "-"); mood {
		case "rejected":
			return sdk.Reject(c.Secret, errors.New(said))
		case "crashing":
			panic(said)
		case "down":
			return sdk.Unavailable(errors.New(said))
		}
		return errors.New(said)
	}, nil
}

// writeDown appends the event's id in one write, in the form that receivedIn reads.
func writeDown(path string, e *sdk.Event) error {
	line, err := json.Marshal(map[string]any{"event_id": e.ID, "attempt": e.Attempt})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(line, '\n'))
	return err
}
