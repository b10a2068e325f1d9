package integration

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
)

// Behind PROXY protocol a connection's address is read from it. One that sends nothing holds up neither the next, nor
// the self-check, nor the stop.
func TestSilentConnectionBehindProxyProtocol(t *testing.T) {
	dir, port := shortDir(t), freePort(t)
	config := fmt.Sprintf(`{
	admin off
	persist_config off
	grace_period 1s
	servers {
		listener_wrappers {
			proxy_protocol {
				timeout 1h
				allow 127.0.0.1/32
			}
		}
	}
	smartcar {
		buffer disk {
			path "%s/buffer"
		}
	}
}
http://:%d {
	smartcar_webhook /hook {
		source proxied
		token %s
	}
	respond 404
}
`, dir, port, newToken)
	if err := caddy.Load(adapt(t, []byte(config)), true); err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			_ = caddy.Stop()
		}
	}()
	if check := awaitSelfChecks(t)["proxied"]; check.State != string(selfcheck.Reached) {
		t.Fatalf("%+v", check)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	silent, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/hook", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatalf("behind a silent connection: %v", err)
	}
	response.Body.Close()
	if got := statusNow(t).Connections; got.Opened != 2 {
		t.Errorf("the self-check's is counted, or these are not: %+v", got)
	}
	stopped = true
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
}
