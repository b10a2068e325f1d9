package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// An app whose config has no receiver says so.
func TestNoReceiver(t *testing.T) {
	config := fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tsmartcar {\n\t\tbuffer disk {\n\t\t\tpath %q\n\t\t}\n\t}\n}\n", filepath.Join(shortDir(t), "buffer"))
	if err := caddy.Load(adapt(t, []byte(config)), true); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	}()
	v := statusNow(t)
	if v.Healthy || v.Receiving.State != api.StateNoReceiver || len(v.Attention) != 1 || !strings.Contains(v.Attention[0].Do, "smartcar_webhook") {
		t.Errorf("%+v, %+v", v.Receiving, v.Attention)
	}
}
