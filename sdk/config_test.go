package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
	Size    Bytes             `config:"size" default:"64MiB"`
	Addr    netip.Addr        `config:"addr,optional"`
	Maybe   *int              `config:"maybe"`
	Names   []string          `config:"names" default:"[\"a\", \"b\"]"`
	Headers map[string]string `config:"headers,optional,sensitive"`
	Matrix  map[string][]int  `config:"matrix,optional"`
	Waits   []time.Duration   `config:"waits,optional"`
	Retry   retryConfig       `config:"retry" doc:"How to try again."`
	TLS     *tlsConfig        `config:"tls"`
	Rules   []ruleConfig      `config:"rule"`
	Ignored func()            `config:"-"`
	//lint:ignore U1000 shows that unexported fields are left alone
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
		return ConfigError("match", "Nothing matches", "Remove the rule.")
	}
	return nil
}

func (c *fullConfig) Validate() error {
	var errs []error
	if c.Count < 0 {
		errs = append(errs, ConfigError("count", "Too small", "Use 0 or more."))
	}
	if c.URL == "http://slow" {
		errs = append(errs, ConfigWarning("url", "Slow", "It works all the same."))
	}
	return errors.Join(errs...)
}

func TestConfigSchema(t *testing.T) {
	want := Schema{
		Attributes: []Attribute{
			{Name: "url", Type: "string", Description: "Where to.", Required: true},
			{Name: "token", Type: "string", Sensitive: true},
			{Name: "on", Type: "bool", Default: json.RawMessage("true")},
			{Name: "count", Type: "number", Default: json.RawMessage("3")},
			{Name: "small", Type: "number"},
			{Name: "big", Type: "number"},
			{Name: "ratio", Type: "number", Default: json.RawMessage("0.5")},
			{Name: "wait", Type: "string", Default: json.RawMessage(`"10s"`)},
			{Name: "size", Type: "string", Default: json.RawMessage(`"64MiB"`)},
			{Name: "addr", Type: "string"},
			{Name: "maybe", Type: "number"},
			{Name: "names", Type: "list(string)", Default: json.RawMessage(`["a","b"]`)},
			{Name: "headers", Type: "map(string)", Sensitive: true},
			{Name: "matrix", Type: "map(list(number))"},
			{Name: "waits", Type: "list(string)"},
		},
		Blocks: []Block{
			{Name: "retry", Description: "How to try again.", Nesting: NestingSingle, Schema: Schema{
				Attributes: []Attribute{{Name: "max", Type: "number", Default: json.RawMessage("5")}},
			}},
			{Name: "tls", Nesting: NestingSingle, Schema: Schema{
				Attributes: []Attribute{{Name: "cert", Type: "string", Required: true}},
			}},
			{Name: "rule", Nesting: NestingList, Schema: Schema{
				Attributes: []Attribute{{Name: "match", Type: "string", Required: true}, {Name: "skip", Type: "bool"}},
			}},
		},
	}
	if diff := cmp.Diff(want, specOf(reflect.TypeFor[fullConfig]()).schema()); diff != "" {
		t.Error(diff)
	}
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
			  "waits":["1s"],"retry":{"max":9},"tls":{"cert":"c"},"rule":[{"match":"a","skip":true},{"match":"b","skip":null}]}`,
			func(c *fullConfig) {
				c.Token, c.On, c.Count, c.Small, c.Big, c.Ratio = "t", false, 0, -128, 18446744073709551615, 2
				c.Wait, c.Size, c.Addr, c.Maybe = 90*time.Second, 1000, netip.IPv6Loopback(), &seven
				c.Names, c.Headers = []string{}, map[string]string{"a": "b"}
				c.Matrix, c.Waits = map[string][]int{"m": {1, 2}}, []time.Duration{time.Second}
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
			if diags := specOf(reflect.TypeFor[fullConfig]()).decodeBody([]byte(tt.config), reflect.ValueOf(&got).Elem(), place{}); diags != nil {
				t.Fatalf("diagnostics %v", diags)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(fullConfig{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigMistakes(t *testing.T) {
	type d = Diagnostic
	tests := map[string]struct {
		config string
		want   []Diagnostic
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
			diags := specOf(reflect.TypeFor[fullConfig]()).decodeBody([]byte(tt.config), reflect.ValueOf(&got).Elem(), place{})
			if diff := cmp.Diff(tt.want, diags); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigNeverShowsSensitiveValues(t *testing.T) {
	type config struct {
		Wait  time.Duration   `config:"wait,optional,sensitive"`
		Addr  netip.Addr      `config:"addr,optional,sensitive"`
		Count int             `config:"count,optional,sensitive"`
		Waits []time.Duration `config:"waits,optional,sensitive"`
	}
	var c config
	diags := specOf(reflect.TypeFor[config]()).decodeBody(
		[]byte(`{"wait":"hunter2","addr":"hunter2","count":42.5,"waits":["hunter2"]}`), reflect.ValueOf(&c).Elem(), place{})
	if len(diags) != 4 {
		t.Errorf("%d diagnostics, want 4", len(diags))
	}
	for _, d := range diags {
		if strings.Contains(d.Summary+d.Detail, "hunter2") || strings.Contains(d.Detail, "42.5") {
			t.Errorf("shown: %v", d)
		}
	}
}

func TestConfigTagMisuse(t *testing.T) {
	type self struct {
		Inner []self `config:"inner"`
	}
	open := func(f func()) func() { return f }
	tests := map[string]struct {
		make func()
		want string
	}{
		"no tag": {newWith[struct{ MaxSize int }], "field MaxSize has no config tag; write `config:\"max_size\"`"},
		"unexported": {newWith[struct {
			a int `config:"a"`
		}], "field a has a config tag but is not exported"},
		"bad name": {newWith[struct {
			A int `config:"Max-Size"`
		}], `the config name "Max-Size"`},
		"unknown option": {newWith[struct {
			A int `config:"a,required"`
		}], `the unknown option "required"`},
		"same name": {newWith[struct {
			A int `config:"a"`
			B int `config:"a"`
		}], `the same config name "a" as field A`},
		"bad default": {newWith[struct {
			A int `config:"a" default:"x"`
		}], "has a default that does not fit"},
		"bad duration": {newWith[struct {
			A time.Duration `config:"a" default:"10"`
		}], "is not a duration"},
		"needless optional": {newWith[struct {
			A int `config:"a,optional" default:"1"`
		}], "both optional and a default"},
		"pointer default": {newWith[struct {
			A *int `config:"a" default:"1"`
		}], "a pointer is nil when left out"},
		"pointer to map": {newWith[struct {
			A *map[string]int `config:"a"`
		}], "a pointer may lead to"},
		"optional block": {newWith[struct {
			A struct{} `config:"a,optional"`
		}], "is a block; blocks take no optional"},
		"map of blocks": {newWith[struct {
			A map[string]struct{} `config:"a"`
		}], "only plain values"},
		"map with int keys": {newWith[struct {
			A map[int]string `config:"a"`
		}], "the keys of a map must be strings"},
		"channel": {newWith[struct {
			A chan int `config:"a"`
		}], "which a config cannot hold"},
		"any": {newWith[struct {
			A any `config:"a"`
		}], "which a config cannot hold"},
		"not a struct":     {newWith[int], "config type int is not a struct"},
		"contains itself":  {newWith[self], "contains itself"},
		"plugin name":      {open(func() { NewSimple("My Plugin", nil) }), `plugin name "My Plugin"`},
		"batch of singles": {open(func() { NewSimple("x", nil, WithMaxBatch(2)) }), "WithMaxBatch needs NewBatch"},
		"empty batch":      {open(func() { WithMaxBatch(0) }), "WithMaxBatch(0)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, tt.want) {
					t.Errorf("panic %q, want %q in it", text, tt.want)
				}
			}()
			tt.make()
		})
	}
}

func newWith[C any]() {
	New("test", func(context.Context, C) (Handler, error) { return nil, nil })
}

// FuzzConfigDecode: whatever bytes come, decoding ends with a config or with
// diagnostics, and what was accepted decodes to the same once more.
func FuzzConfigDecode(f *testing.F) {
	f.Add([]byte(`{"url":"http://x","size":"1MiB","wait":"1h","rule":[{"match":"a"}],"matrix":{"a":[1]}}`))
	f.Add([]byte(`{"url":1e999,"count":1e400,"small":-129,"headers":{"a":null}}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"tls":[],"retry":{"max":9223372036854775808}}`))
	spec := specOf(reflect.TypeFor[fullConfig]())
	f.Fuzz(func(t *testing.T, config []byte) {
		var first, second fullConfig
		diags := spec.decodeBody(config, reflect.ValueOf(&first).Elem(), place{})
		again := spec.decodeBody(config, reflect.ValueOf(&second).Elem(), place{})
		if diff := cmp.Diff(diags, again); diff != "" {
			t.Error(diff)
		}
		if !json.Valid(config) && len(config) > 0 && !hasErrors(diags) {
			t.Error("accepted what is not JSON")
		}
		for _, d := range diags {
			if d.Summary == "" {
				t.Errorf("no summary: %v", d)
			}
		}
	})
}
