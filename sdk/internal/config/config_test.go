package config_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/internal/config"
)

// fullConfig has every type that a config may have.
type fullConfig struct {
	URL     string            `config:"url" doc:"Where to."`
	Token   string            `config:"token,optional,sensitive"`
	On      bool              `config:"on" default:"true"`
	Count   int               `config:"count" default:"3"`
	Small   int8              `config:"small,optional"`
	Big     uint64            `config:"big,optional"`
	Ratio   float64           `config:"ratio" default:"0.5"`
	Wait    time.Duration     `config:"wait" default:"10s"`
	Size    sdk.Bytes         `config:"size" default:"64MiB"`
	Addr    netip.Addr        `config:"addr,optional"`
	Maybe   *int              `config:"maybe"`
	Names   []string          `config:"names" default:"[\"a\", \"b\"]"`
	Headers map[string]string `config:"headers,optional,sensitive"`
	Matrix  map[string][]int  `config:"matrix,optional"`
	Waits   []time.Duration   `config:"waits,optional"`
	Extra   any               `config:"extra,optional"`
	Retry   retryConfig       `config:"retry" doc:"How to try again."`
	TLS     *tlsConfig        `config:"tls"`
	Rules   []ruleConfig      `config:"rule"`
	Ignored func()            `config:"-"`
	//lint:ignore U1000 shows that unexported fields are ignored
	internal int
}

type retryConfig struct {
	Max int `config:"max" default:"5"`
}

type tlsConfig struct {
	Cert string `config:"cert"`
}

type ruleConfig struct {
	Match string `config:"match"`
	Skip  bool   `config:"skip,optional"`
}

func (r ruleConfig) Validate() error {
	if r.Match == "never" {
		return sdk.ConfigError("match", "Nothing matches", "Remove the rule.")
	}
	return nil
}

func (c *fullConfig) Validate() error {
	var errs []error
	if c.Count < 0 {
		errs = append(errs, sdk.ConfigError("count", "Too small", "Use 0 or more."))
	}
	if c.URL == "http://slow" {
		errs = append(errs, sdk.ConfigWarning("url", "Slow", "It works all the same."))
	}
	return errors.Join(errs...)
}

func defaults() fullConfig {
	return fullConfig{
		URL: "http://x", On: true, Count: 3, Ratio: 0.5, Wait: 10 * time.Second, Size: 64 << 20,
		Names: []string{"a", "b"}, Retry: retryConfig{Max: 5},
	}
}

func TestConfigDecode(t *testing.T) {
	seven := 7
	tests := map[string]struct {
		config string
		change func(*fullConfig)
	}{
		"only what is required": {`{"url":"http://x"}`, func(*fullConfig) {}},
		"null is absent": {
			`{"url":"http://x","on":null,"token":null,"maybe":null,"names":null,"retry":null,"tls":null,"rule":null}`,
			func(*fullConfig) {},
		},
		"everything": {
			`{"url":"http://x","token":"t","on":false,"count":-0,"small":-128,"big":18446744073709551615,"ratio":2,
			  "wait":"1m30s","size":"1KB","addr":"::1","maybe":7,"names":[],"headers":{"a":"b"},"matrix":{"m":[1,2]},
			  "waits":["1s"],"extra":{"a":[1,"b",true]},"retry":{"max":9},"tls":{"cert":"c"},"rule":[{"match":"a","skip":true},{"match":"b","skip":null}]}`,
			func(c *fullConfig) {
				c.Token, c.On, c.Count, c.Small, c.Big, c.Ratio = "t", false, 0, -128, 18446744073709551615, 2
				c.Wait, c.Size, c.Addr, c.Maybe = 90*time.Second, 1000, netip.IPv6Loopback(), &seven
				c.Names, c.Headers = []string{}, map[string]string{"a": "b"}
				c.Matrix, c.Waits = map[string][]int{"m": {1, 2}}, []time.Duration{time.Second}
				c.Extra = map[string]any{"a": []any{1.0, "b", true}}
				c.Retry.Max, c.TLS = 9, &tlsConfig{Cert: "c"}
				c.Rules = []ruleConfig{{Match: "a", Skip: true}, {Match: "b"}}
			},
		},
		"a whole number with an exponent": {`{"url":"http://x","count":1.2e1}`, func(c *fullConfig) { c.Count = 12 }},
		"a size as a number's text":       {`{"url":"http://x","size":"1024"}`, func(c *fullConfig) { c.Size = 1024 }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := defaults()
			tt.change(&want)
			var got fullConfig
			diags := config.Of(reflect.TypeFor[fullConfig]()).Decode([]byte(tt.config), reflect.ValueOf(&got).Elem())
			if diags != nil {
				t.Fatalf("diagnostics %v", diags)
			}
			sameAddr := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(fullConfig{}), sameAddr); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigMistakes(t *testing.T) {
	type d = config.Diagnostic
	tests := map[string]struct {
		config string
		want   []d
	}{
		"required attribute missing": {`{}`, []d{{Summary: `Missing "url"`, Detail: "It is required. Where to."}}},
		"not an object":              {`[]`, []d{{Summary: "Wrong value for the config", Detail: "It must be a JSON object."}}},
		"not JSON":                   {`{`, []d{{Summary: "Wrong value for the config", Detail: "It must be a JSON object."}}},
		"unknown name in a block": {
			`{"url":"","retry":{"mx":1}}`,
			[]d{{Summary: `Unknown name "mx"`, Detail: "Here can stand: max.", Path: []string{"retry"}}},
		},
		"wrong types": {`{"url":1,"on":"yes","count":"3","names":"a","headers":[],"retry":3,"rule":{},"wait":10}`, []d{
			{Summary: `Wrong value for "url"`, Detail: "It must be a string.", Path: []string{"url"}},
			{Summary: `Wrong value for "on"`, Detail: "It must be true or false.", Path: []string{"on"}},
			{Summary: `Wrong value for "count"`, Detail: "It must be a number.", Path: []string{"count"}},
			{Summary: `Wrong value for "wait"`, Detail: "It must be a string.", Path: []string{"wait"}},
			{Summary: `Wrong value for "names"`, Detail: "It must be a list.", Path: []string{"names"}},
			{Summary: `Wrong value for "headers"`, Detail: "It must be a map.", Path: []string{"headers"}},
			{Summary: `Wrong value for "retry"`, Detail: "It must be a JSON object.", Path: []string{"retry"}},
			{Summary: `Wrong value for "rule"`, Detail: "It must be a list.", Path: []string{"rule"}},
		}},
		"numbers out of range": {`{"url":"","count":1.5,"small":128,"big":-1,"ratio":1e999,"matrix":{"m":[1,null]}}`, []d{
			{Summary: `Wrong value for "count"`, Detail: `"1.5" is not a whole number, or is too large.`, Path: []string{"count"}},
			{Summary: `Wrong value for "small"`, Detail: `"128" is too large or too small; at most 8 bits fit.`, Path: []string{"small"}},
			{Summary: `Wrong value for "big"`, Detail: `"-1" must be a whole number, not negative, of at most 64 bits.`, Path: []string{"big"}},
			{Summary: `Wrong value for "ratio"`, Detail: `"1e999" is too large.`, Path: []string{"ratio"}},
			{Summary: `Wrong value for "matrix.m.1"`, Detail: "It must not be null.", Path: []string{"matrix", "m", "1"}},
		}},
		"texts that cannot be read": {`{"url":"","wait":"10 s","size":"big","waits":["1s","x"]}`, []d{
			{Summary: `Wrong value for "wait"`, Detail: `"10 s" is not a duration; write it like "10s" or "1m30s".`, Path: []string{"wait"}},
			{Summary: `Wrong value for "size"`, Detail: `"big" is not a size; write it like "64MiB" or "10MB"`, Path: []string{"size"}},
			{Summary: `Wrong value for "waits.1"`, Detail: `"x" is not a duration; write it like "10s" or "1m30s".`, Path: []string{"waits", "1"}},
		}},
		"required within blocks": {`{"url":"","tls":{},"rule":[{"match":"a"},{}]}`, []d{
			{Summary: `Missing "tls.cert"`, Detail: "It is required.", Path: []string{"tls"}},
			{Summary: `Missing "rule.1.match"`, Detail: "It is required.", Path: []string{"rule", "1"}},
		}},
		"the author's checks": {`{"url":"","count":-1}`, []d{{Summary: "Too small", Detail: "Use 0 or more.", Path: []string{"count"}}}},
		"the author's check of a repeated block": {
			`{"url":"","rule":[{"match":"a"},{"match":"never"}]}`,
			[]d{{Summary: "Nothing matches", Detail: "Remove the rule.", Path: []string{"rule", "1", "match"}}},
		},
		"a warning": {`{"url":"http://slow"}`, []d{{Warning: true, Summary: "Slow", Detail: "It works all the same.", Path: []string{"url"}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got fullConfig
			diags := config.Of(reflect.TypeFor[fullConfig]()).Decode([]byte(tt.config), reflect.ValueOf(&got).Elem())
			if diff := cmp.Diff(tt.want, diags); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigNeverShowsSensitiveValues(t *testing.T) {
	type secrets struct {
		Wait  time.Duration   `config:"wait,optional,sensitive"`
		Addr  netip.Addr      `config:"addr,optional,sensitive"`
		Count int             `config:"count,optional,sensitive"`
		Waits []time.Duration `config:"waits,optional,sensitive"`
	}
	var c secrets
	diags := config.Of(reflect.TypeFor[secrets]()).Decode(
		[]byte(`{"wait":"hunter2","addr":"hunter2","count":42.5,"waits":["hunter2"]}`), reflect.ValueOf(&c).Elem())
	if len(diags) != 4 {
		t.Errorf("%d diagnostics, want 4", len(diags))
	}
	for _, d := range diags {
		if strings.Contains(d.Summary+d.Detail, "hunter2") || strings.Contains(d.Detail, "42.5") {
			t.Errorf("shown: %v", d)
		}
	}
}

// FuzzDecode: whatever bytes come, decoding ends with a config or with
// diagnostics, and what was accepted decodes to the same once more.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"url":"http://x","size":"1MiB","wait":"1h","rule":[{"match":"a"}],"matrix":{"a":[1]}}`))
	f.Add([]byte(`{"url":1e999,"count":1e400,"small":-129,"headers":{"a":null}}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"tls":[],"retry":{"max":9223372036854775808}}`))
	spec := config.Of(reflect.TypeFor[fullConfig]())
	f.Fuzz(func(t *testing.T, raw []byte) {
		var first, second fullConfig
		diags := spec.Decode(raw, reflect.ValueOf(&first).Elem())
		again := spec.Decode(raw, reflect.ValueOf(&second).Elem())
		if diff := cmp.Diff(diags, again); diff != "" {
			t.Error(diff)
		}
		refused := slices.ContainsFunc(diags, func(d config.Diagnostic) bool { return !d.Warning })
		if !json.Valid(raw) && len(raw) > 0 && !refused {
			t.Error("accepted what is not JSON")
		}
		for _, d := range diags {
			if d.Summary == "" {
				t.Errorf("no summary: %v", d)
			}
		}
	})
}
