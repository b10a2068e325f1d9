package sdk_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

type checkedConfig struct {
	Port int `config:"port"`
}

func (c checkedConfig) Validate() error {
	if c.Port > 65535 {
		return sdk.ConfigError("port", "Too large", "A port is at most 65535.")
	}
	return nil
}

// CheckConfig says what Configure would, and opens nothing.
func TestCheckConfig(t *testing.T) {
	opened := false
	p := sdk.New("checked", func(context.Context, checkedConfig) (sdk.Handler, error) {
		opened = true
		return func(context.Context, *sdk.Event) error { return nil }, nil
	})
	tests := map[string]struct {
		config string
		want   []sdk.Diagnostic
	}{
		"right": {`{"port": 80}`, nil},
		"wrong value": {`{"port": 70000}`, []sdk.Diagnostic{
			{Summary: "Too large", Detail: "A port is at most 65535.", Path: []string{"port"}},
		}},
		"wrong type": {`{"port": "x"}`, []sdk.Diagnostic{
			{Summary: `Wrong value for "port"`, Detail: "It must be a number.", Path: []string{"port"}},
		}},
		"missing": {`{}`, []sdk.Diagnostic{{Summary: `Missing "port"`, Detail: "It is required."}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, p.CheckConfig(json.RawMessage(tt.config))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if opened {
		t.Error("the handler was opened")
	}
}
