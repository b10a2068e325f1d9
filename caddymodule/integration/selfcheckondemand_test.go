package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
)

// A site without a name whose certificates are got on demand is not asked: the site's own endpoint would be asked for
// leave to order one for this machine's address, at each try.
func TestSelfCheckOrdersNoCertificate(t *testing.T) {
	asked := make(chan string, 100)
	leave := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Get("domain")
		w.WriteHeader(http.StatusForbidden)
	}))
	defer leave.Close()
	dir := shortDir(t)
	config := fmt.Sprintf(`{
	admin off
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system "%[1]s/caddy"
	on_demand_tls {
		ask %[2]s
	}
	smartcar {
		buffer disk {
			path "%[1]s/buffer"
		}
	}
}
https://:%[3]d {
	tls internal {
		on_demand
	}
	smartcar_webhook /hook {
		source nameless
		token %[4]s
	}
	respond 404
}
`, dir, leave.URL, freePort(t), newToken)
	if err := caddy.Load(adapt(t, []byte(config)), true); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if check := awaitSelfChecks(t)["nameless"]; check.State != string(selfcheck.Unchecked) || !strings.Contains(check.Why, "on demand") {
		t.Errorf("%+v", check)
	}
	if v := statusNow(t); !v.Healthy {
		t.Errorf("%+v", v.Attention)
	}
	select {
	case domain := <-asked:
		t.Errorf("asked for leave for %q", domain)
	default:
	}
}
