package app_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/module"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/health"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/receiver"
)

func init() { caddy.RegisterModule(new(orderProbe)) }

// orderProbe is a handler that notes when it is set up, and whether it could join an app, as a verifier does.
type orderProbe struct {
	caddyhttp.MiddlewareHandler `json:"-"`

	Name string `json:"name"`
}

// set are the probes of the config that is being loaded, in the order in which Caddy sets them up; joins is what the
// one called asks has found.
var (
	set   []string
	joins bool
)

func (*orderProbe) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.smartcar_order_probe", New: func() caddy.Module { return new(orderProbe) }}
}

func (p *orderProbe) Provision(ctx caddy.Context) error {
	set = append(set, p.Name)
	if p.Name != "asks" {
		return nil
	}
	a, err := app.IfConfigured(ctx)
	joins = a != nil
	return err
}

// Whether there is an app to join does not depend on which server Caddy sets up first: it goes through them in no order.
func TestIfConfiguredInEachOrder(t *testing.T) {
	const webhook = `{"handler":"smartcar_webhook","tokens":["0123456789abcdef"]}`
	tests := map[string]struct {
		server string // the server beside the one that asks, without its first route
		want   bool
	}{
		"a receiver":                       {`"routes":[%s,{"handle":[` + webhook + `]}]`, true},
		"one in a subroute":                {`"routes":[%s,{"handle":[{"handler":"subroute","routes":[{"handle":[` + webhook + `]}]}]}]`, true},
		"one in error routes":              {`"routes":[%s],"errors":{"routes":[{"handle":[` + webhook + `]}]}`, true},
		"one with a name":                  {`"routes":[%s],"named_routes":{"x":{"handle":[` + webhook + `]}}`, true},
		"smartcar_health":                  {`"routes":[%s,{"handle":[{"handler":"smartcar_health"}]}]`, true},
		"another verifier":                 {`"routes":[%s,{"handle":[{"handler":"smartcar_verify","tokens":["0123456789abcdef"]}]}]`, false},
		"an answer that speaks of another": {`"routes":[%s,{"handle":[{"handler":"static_response","body":"smartcar_webhook"}]}]`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const first = `{"handle":[{"handler":"smartcar_order_probe","name":"other"}]}`
			config := `{"admin":{"disabled":true},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},"apps":{"http":{"servers":{
				"asks":{"listen":["127.0.0.1:1"],"routes":[{"handle":[{"handler":"smartcar_order_probe","name":"asks"}]}]},
				"other":{"listen":["127.0.0.1:2"],` + fmt.Sprintf(tt.server, first) + `}}}}}`
			seen := map[string]bool{}
			for range 200 { // until both orders were seen; that one is not has a chance of 1 to 2 to the 199th
				set, joins = nil, false
				cfg := new(caddy.Config)
				if err := json.Unmarshal([]byte(config), cfg); err != nil {
					t.Fatal(err)
				}
				if err := caddy.Validate(cfg); err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(set, "asks") || len(set) != 2 {
					t.Fatalf("set up: %q", set)
				}
				seen[set[0]] = true
				if joins != tt.want {
					t.Fatalf("with %s set up first it joins an app: %t, want %t", set[0], joins, tt.want)
				}
				if len(seen) == 2 {
					return
				}
			}
			t.Error("Caddy has one order only")
		})
	}
}
