package app

import (
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
)

// Where certificates are got on demand, a site without a name is not asked: the address would be taken for a name.
func TestTargetOfSitesWithoutName(t *testing.T) {
	for name, tt := range map[string]struct {
		host                         string
		tls, onDemand, unix, checked bool
		asks                         string
	}{
		"a name":                      {host: "hooks.example", tls: true, checked: true, asks: "https://hooks.example:8443/hook"},
		"a name, on demand":           {host: "hooks.example", tls: true, onDemand: true, checked: true, asks: "https://hooks.example:8443/hook"},
		"no name":                     {tls: true, checked: true, asks: "https://127.0.0.1:8443/hook"},
		"no name, on demand":          {tls: true, onDemand: true, asks: "https://127.0.0.1:8443/hook"},
		"an address, on demand":       {host: "192.0.2.1", tls: true, onDemand: true, asks: "https://192.0.2.1:8443/hook"},
		"an IPv6 address, on demand":  {host: "2001:db8::1", tls: true, onDemand: true, asks: "https://[2001:db8::1]:8443/hook"},
		"no name and no TLS":          {checked: true, asks: "http://127.0.0.1:8443/hook"},
		"a unix socket has localhost": {unix: true, tls: true, onDemand: true, checked: true, asks: "https://localhost/hook"},
	} {
		t.Run(name, func(t *testing.T) {
			l := listener{network: "tcp", address: "127.0.0.1:8443", port: "8443", tls: tt.tls, onDemand: tt.onDemand}
			if tt.unix {
				l = listener{network: "unix", address: "/run/s", tls: tt.tls, onDemand: tt.onDemand}
			}
			got := l.target(sitecheck.Place{Source: "a", Host: tt.host, Path: "/hook"})
			if (got.Unchecked == "") != tt.checked || got.URL() != tt.asks {
				t.Errorf("%s: %+v", got.URL(), got)
			}
		})
	}
}

func TestCertificatesOnDemand(t *testing.T) {
	policy := func(p caddytls.AutomationPolicy) *caddytls.AutomationConfig {
		return &caddytls.AutomationConfig{Policies: []*caddytls.AutomationPolicy{{}, &p}}
	}
	for name, tt := range map[string]struct {
		automation *caddytls.AutomationConfig
		want       bool
	}{
		"none":      {nil, false},
		"by name":   {policy(caddytls.AutomationPolicy{SubjectsRaw: []string{"hooks.example"}}), false},
		"on demand": {policy(caddytls.AutomationPolicy{OnDemand: true}), true},
		"a manager": {policy(caddytls.AutomationPolicy{Managers: []certmagic.Manager{nil}}), true},
	} {
		if got := onDemand(tt.automation); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
