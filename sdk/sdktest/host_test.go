package sdktest_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

type blockConfig struct {
	Match string `config:"match"`
	Limit int    `config:"limit" default:"4"`
}

type config struct {
	URL   string        `config:"url"`
	Wait  time.Duration `config:"wait" default:"10s"`
	Block *blockConfig  `config:"block"`
	Rules []blockConfig `config:"rule"`
}

func (c config) Validate() error {
	if c.URL == "odd" {
		return sdk.ConfigWarning("url", "Odd", "But well.")
	}
	return nil
}

// opening makes a plugin that hands its config and its handler name to see.
func opening(see func(config, string) error) *sdk.Plugin {
	return sdk.New("test", func(ctx context.Context, c config) (sdk.Handler, error) {
		if err := see(c, sdk.HandlerName(ctx)); err != nil {
			return nil, err
		}
		return func(context.Context, *sdk.Event) error { return nil }, nil
	})
}

func TestStartGivesTheConfig(t *testing.T) {
	tests := map[string]struct {
		config any
		want   config
	}{
		"defaults":  {sdktest.Config{"url": "u"}, config{URL: "u", Wait: 10 * time.Second, Rules: []blockConfig{}}},
		"JSON text": {`{"url":"u","wait":"1s"}`, config{URL: "u", Wait: time.Second, Rules: []blockConfig{}}},
		"blocks": {
			sdktest.Config{
				"url": "u", "wait": time.Minute, "block": sdktest.Config{"match": "a"},
				"rule": []sdktest.Config{{"match": "b", "limit": 1}, {"match": "c"}},
			},
			config{
				URL: "u", Wait: time.Minute, Block: &blockConfig{Match: "a", Limit: 4},
				Rules: []blockConfig{{Match: "b", Limit: 1}, {Match: "c", Limit: 4}},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got config
			var handler string
			sdktest.Start(t, opening(func(c config, h string) error { got, handler = c, h; return nil }), tt.config)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if handler != sdktest.HandlerName {
				t.Errorf("handler name %q", handler)
			}
		})
	}
}

func TestOpenReturnsConfigErrors(t *testing.T) {
	tests := map[string]struct {
		config any
		open   error
		want   string
	}{
		"missing":      {nil, nil, `Missing "url": It is required.`},
		"unknown":      {sdktest.Config{"url": "u", "ulr": 1}, nil, `Unknown name "ulr": Here can stand: url, wait, block, rule.`},
		"nested":       {sdktest.Config{"url": "u", "rule": []sdktest.Config{{}}}, nil, `rule.0: Missing "rule.0.match": It is required.`},
		"open fails":   {sdktest.Config{"url": "u"}, io.EOF, "Plugin test could not start: EOF"},
		"open objects": {sdktest.Config{"url": "u"}, sdk.ConfigError("url", "Nobody there", ""), "url: Nobody there"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sdktest.Open(t, opening(func(config, string) error { return tt.open }), tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) || err.Error() != tt.want {
				t.Errorf("%T %v, want %s", err, err, tt.want)
			}
		})
	}
}

func TestWarningsDoNotRefuse(t *testing.T) {
	h := sdktest.Start(t, opening(func(config, string) error { return nil }), sdktest.Config{"url": "odd"})
	want := []sdk.Diagnostic{{Warning: true, Summary: "Odd", Detail: "But well.", Path: []string{"url"}}}
	if diff := cmp.Diff(want, h.Warnings()); diff != "" {
		t.Error(diff)
	}
}

func TestHandleCarriesEventsAndResults(t *testing.T) {
	var got *sdk.Event
	h := sdktest.Start(t, sdk.NewSimple("test", func(_ context.Context, e *sdk.Event) error {
		got = e
		return sdk.Retry(90*time.Second, io.EOF)
	}), nil)
	sent := sdktest.VehicleState("event-1", "vehicle-1")
	sent.Attempt, sent.Position, sent.WebhookID = 3, 77, "webhook-1"
	sent.Replay, sent.StaleSignals = true, []string{"charge-ischarging", "odometer-traveleddistance"}
	results := h.Handle(t.Context(), sent)
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Error(diff)
	}
	want := []sdk.Result{{Status: sdk.StatusRetry, RetryAfter: 90 * time.Second, Error: "EOF"}}
	if diff := cmp.Diff(want, results); diff != "" {
		t.Error(diff)
	}
	if _, ok := smartcar.NewKeys(sdktest.Token).Verify(got.Payload, got.Signature); !ok {
		t.Error("the signature is wrong")
	}
	read, err := got.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := read.Signal("tractionbattery-stateofcharge"); !ok || read.VehicleID != "vehicle-1" {
		t.Errorf("read %v, %v", s, read.VehicleID)
	}
}

func TestShutdownClosesInReverse(t *testing.T) {
	var closed []string
	closer := func(name string, err error) func(context.Context) error {
		return func(context.Context) error { closed = append(closed, name); return err }
	}
	p := sdk.New("test", func(ctx context.Context, _ struct{}) (sdk.Handler, error) {
		sdk.OnClose(ctx, closer("first", errors.New("stuck")))
		sdk.OnClose(ctx, closer("second", nil))
		return func(context.Context, *sdk.Event) error { return nil }, nil
	}, sdk.WithClose(closer("option", nil)))
	err := sdktest.Start(t, p, nil).Shutdown(t.Context())
	if err == nil || err.Error() != "closing: stuck" {
		t.Errorf("Shutdown: %v", err)
	}
	if diff := cmp.Diff([]string{"second", "first", "option"}, closed); diff != "" {
		t.Error(diff)
	}
}
