package stdio

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestHello(t *testing.T) {
	settings := map[string]any{"limit": 20, "words": []string{"a"}, "deep": map[string]any{"a": true}}
	r := start(t, with(as("hello"), "settings", settings))
	if !strings.Contains(r.log(), `handler=sdktest settings={"deep":{"a":true},"limit":20,"words":["a"]} protocol=1`) {
		t.Errorf("the program got %s", r.log())
	}
	// It wants states only, and would retry all that it gets.
	unwanted := say("1", "v", `{"result":"retry"}`)
	unwanted.Type = "VEHICLE_ERROR"
	got := r.Handle(t.Context(), unwanted, say("2", "w", `{"result":"retry"}`))
	if got[0].Status != sdk.StatusDone || got[1].Status != sdk.StatusRetry {
		t.Errorf("%+v", got)
	}
}

func TestConfigMistakes(t *testing.T) {
	folder := t.TempDir()
	plain := folder + "/plain"
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		config sdktest.Config
		want   []string
	}{
		"nothing":         {sdktest.Config{}, []string{`Missing "command"`}},
		"no program":      {sdktest.Config{"command": []string{}}, []string{"command: No program"}},
		"not there":       {sdktest.Config{"command": []string{folder + "/none"}}, []string{"command.0: Program not found", "there is no file"}},
		"not in the PATH": {sdktest.Config{"command": []string{"no-such-program-here"}}, []string{"command.0: Program not found", "PATH"}},
		"not executable":  {sdktest.Config{"command": []string{plain}}, []string{"command.0: Program not found", "chmod +x"}},
		"settings":        {with(as("says"), "settings", []int{1}), []string{"settings: Not an object"}},
		"start_timeout":   {with(as("says"), "start_timeout", "1h"), []string{"start_timeout: Out of range"}},
		"ends":            {as("broken"), []string{"command: The program did not get ready", "exit status 3", "no module named fleet"}},
		"does not answer": {with(as("deaf-at-once"), "start_timeout", "100ms"), []string{"did not answer its first line within 100ms", "flush"}},
		"another version": {as("version2"), []string{"speaks version 2 of the protocol, this Caddy version 1"}},
		"a wrong hello":   {as("wrong-hello"), []string{"a field of the wrong type"}},
		"wrong setting":   {with(as("hello"), "settings", map[string]any{"limit": "many"}), []string{"settings.limit: Wrong value: The program takes a number here."}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := openRig(t, tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) {
				t.Fatalf("%v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
			if len(r.exits) > 0 {
				t.Error("the plugin ended instead")
			}
		})
	}
}

// What the program says of itself is outside text: it is checked, and what is shown of it is short and printable.
func TestWrongHellos(t *testing.T) {
	const limit = `{"settings":{"limit":{"type":"number","required":true,"doc":"How low."},"words":{"type":"list"}}}`
	tests := map[string]struct {
		hello    string
		settings map[string]any
		want     string
	}{
		"a wrong type":    {`{"settings":{"limit":{"type":"int"}}}`, nil, "command: Wrong answer to the first line: It describes the setting limit with an unknown type"},
		"many settings":   {`{"settings":{` + many(`"%d":{"type":"x"}`) + `}}`, nil, "0 types in wants and 9000 settings; at most 100 of each"},
		"many wants":      {`{"wants":[` + many(`"%d"`) + `]}`, nil, "9000 types in wants and 0 settings"},
		"many batches":    {`{"max_batch":1001}`, nil, "max_batch must be from 1 to 1000"},
		"no batch":        {`{"max_batch":-1}`, nil, "max_batch must be from 1 to 1000"},
		"unknown setting": {limit, map[string]any{"limit": 1.0, "limmit": 1.0}, "settings.limmit: Unknown setting: The program takes: limit, words."},
		"missing setting": {limit, nil, "settings: Missing setting: limit is required. How low."},
		"a dot in a name": {limit, map[string]any{"limit": 1.0, "a.b": 1.0}, "settings: Unknown setting"},
		"control bytes":   {`{"settings":{"\u001b[2J":{"required":true}}}`, nil, "settings: Missing setting: \uFFFD[2J is required."},
		"a long name":     {`{"settings":{"` + strings.Repeat("x", 5000) + `":{}}}`, map[string]any{"a": 1.0}, "takes: " + strings.Repeat("x", maxShown) + "…"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var h hello
			if err := json.Unmarshal([]byte(tt.hello), &h); err != nil {
				t.Fatal(err)
			}
			err := h.check()
			if err == nil {
				err = h.checkSettings(tt.settings)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 1000 {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
