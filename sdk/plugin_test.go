package sdk_test

import (
	"context"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func TestNewPanicsOnMisuse(t *testing.T) {
	tests := map[string]struct {
		make func()
		want string
	}{
		"plugin name":      {func() { sdk.NewSimple("My Plugin", nil) }, `plugin name "My Plugin"`},
		"batch of singles": {func() { sdk.NewSimple("x", nil, sdk.WithMaxBatch(2)) }, "WithMaxBatch needs NewBatch"},
		"empty batch":      {func() { sdk.WithMaxBatch(0) }, "WithMaxBatch(0)"},
		"config tag": {func() {
			sdk.New("x", func(context.Context, struct{ MaxSize int }) (sdk.Handler, error) { return nil, nil })
		}, "field MaxSize has no config tag"},
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
