package config_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func TestConfigSchema(t *testing.T) {
	want := sdk.Schema{
		Attributes: []sdk.Attribute{
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
			{Name: "extra", Type: "any"},
		},
		Blocks: []sdk.Block{
			{Name: "retry", Description: "How to try again.", Nesting: sdk.NestingSingle, Schema: sdk.Schema{
				Attributes: []sdk.Attribute{{Name: "max", Type: "number", Default: json.RawMessage("5")}},
			}},
			{Name: "tls", Nesting: sdk.NestingSingle, Schema: sdk.Schema{
				Attributes: []sdk.Attribute{{Name: "cert", Type: "string", Required: true}},
			}},
			{Name: "rule", Nesting: sdk.NestingList, Schema: sdk.Schema{
				Attributes: []sdk.Attribute{{Name: "match", Type: "string", Required: true}, {Name: "skip", Type: "bool"}},
			}},
		},
	}
	p := sdk.New("test", func(context.Context, fullConfig) (sdk.Handler, error) { return nil, nil })
	if diff := cmp.Diff(want, p.Schema()); diff != "" {
		t.Error(diff)
	}
}

func TestConfigTagMisuse(t *testing.T) {
	type self struct {
		Inner []self `config:"inner"`
	}
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
		"interface": {newWith[struct {
			A error `config:"a"`
		}], "which a config cannot hold"},
		"map of any": {newWith[struct {
			A map[string]any `config:"a"`
		}], "only plain values"},
		"not a struct":    {newWith[int], "config type int is not a struct"},
		"contains itself": {newWith[self], "contains itself"},
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
	sdk.New("test", func(context.Context, C) (sdk.Handler, error) { return nil, nil })
}
