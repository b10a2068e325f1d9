package app

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
)

// DefaultSource is the source of a receiver that names none.
const DefaultSource = "default"

// site is a server that has receivers, and where they stand in it.
type site struct {
	server *caddyhttp.Server
	places []sitecheck.Place
}

// startSelfCheck begins to ask the receivers of this config whether requests come to them.
func (a *App) startSelfCheck() {
	httpPort := caddyhttp.DefaultHTTPPort
	if mod, err := a.ctx.AppIfConfigured("http"); err == nil {
		if http, ok := mod.(*caddyhttp.App); ok && http.HTTPPort != 0 {
			httpPort = http.HTTPPort
		}
	}
	var targets []selfcheck.Target
	for _, s := range a.sites {
		listener := listenerOf(s.server, httpPort)
		listener.onDemand = listener.tls && a.certificatesOnDemand()
		for _, p := range s.places {
			targets = append(targets, listener.target(p))
		}
	}
	for _, source := range a.sources {
		if !slices.ContainsFunc(targets, func(t selfcheck.Target) bool { return t.Source == source }) {
			targets = append(targets, selfcheck.Target{
				Source: source, Unchecked: "its receiver stands in a route with a name, which others invoke",
			})
		}
	}
	a.watch.Store(selfcheck.Start(selfcheck.Options{
		Targets: targets, Nonces: a.ref.nonces, Config: a, Own: a.ref.counts.Connections.Own,
	}))
}

// certificatesOnDemand reports whether a name that a client asks for, or an address where it names none, may make Caddy
// ask for leave, order a certificate or have one fetched.
func (a *App) certificatesOnDemand() bool {
	mod, err := a.ctx.AppIfConfigured("tls")
	if err != nil {
		return false
	}
	app, ok := mod.(*caddytls.TLS)
	return ok && onDemand(app.Automation)
}

func onDemand(automation *caddytls.AutomationConfig) bool {
	return automation != nil && slices.ContainsFunc(automation.Policies, func(p *caddytls.AutomationPolicy) bool {
		return p.OnDemand || len(p.Managers) > 0
	})
}

// selfChecks are the latest results, nil while the app is being started.
func (a *App) selfChecks() []selfcheck.Result { return a.watch.Load().Results() }

// listener is where a server can be asked.
type listener struct {
	network, address, port string
	tls                    bool
	// onDemand: a question without a name could be taken for one for a certificate of the address.
	onDemand bool
	// unchecked is why it cannot, doubt why another answer than the receiver's says nothing.
	unchecked, doubt string
}

// listenerOf returns the first listener of a server that can be asked.
func listenerOf(server *caddyhttp.Server, httpPort int) listener {
	l := listener{unchecked: "the server has no listener of TCP or a unix socket whose address is known"}
	for i, at := range server.Listen {
		address, err := caddy.ParseNetworkAddress(at)
		if err != nil || !speaksTCP(server, i) {
			continue
		}
		dial, ok := dialable(address)
		if !ok {
			continue
		}
		l = dial
		l.tls = len(server.TLSConnPolicies) > 0 && int(address.StartPort) != httpPort
		break
	}
	for _, policy := range server.TLSConnPolicies {
		if policy.ClientAuthentication != nil && policy.ClientAuthentication.Active() {
			l.doubt = "its listener may want a client certificate"
		}
	}
	return l
}

// speaksTCP reports whether a server answers HTTP/1.1 at one of its addresses.
func speaksTCP(server *caddyhttp.Server, index int) bool {
	protocols := server.Protocols
	if index < len(server.ListenProtocols) && server.ListenProtocols[index] != nil {
		protocols = server.ListenProtocols[index]
	}
	return len(protocols) == 0 || slices.Contains(protocols, "h1")
}

// dialable is where to dial a listener's address.
func dialable(address caddy.NetworkAddress) (listener, bool) {
	switch {
	case address.Network == "unix":
		// What follows are the file's permissions.
		path, _, _ := strings.Cut(address.Host, "|")
		return listener{network: "unix", address: path}, true
	case address.Network == "fd":
		socket, ok := socketAddress(address.Host)
		if !ok {
			return listener{}, false
		}
		return dialable(caddy.NetworkAddress{
			Network: "tcp", Host: socket.Addr().String(), StartPort: uint(socket.Port()), EndPort: uint(socket.Port()),
		})
	case !strings.HasPrefix(address.Network, "tcp") || address.StartPort == 0:
		return listener{}, false
	}
	host := address.Host
	switch ip, err := netip.ParseAddr(host); {
	case host == "" && address.Network != "tcp6", err == nil && ip.IsUnspecified() && ip.Is4():
		host = "127.0.0.1"
	case host == "", err == nil && ip.IsUnspecified():
		host = "::1"
	}
	port := strconv.Itoa(int(address.StartPort))
	return listener{network: address.Network, address: net.JoinHostPort(host, port), port: port}, true
}

// target is a receiver at the listener.
func (l listener) target(p sitecheck.Place) selfcheck.Target {
	t := selfcheck.Target{
		Source: cmp.Or(p.Source, DefaultSource), Network: l.network, Address: l.address, TLS: l.tls,
		Host: p.Host, Path: p.Path, Unchecked: cmp.Or(l.unchecked, p.Unknown), Doubt: l.doubt,
	}
	if p.Sender {
		t.Doubt = "what the site answers may depend on who asks, or on a header"
	}
	usual := "80"
	if l.tls {
		usual = "443"
	}
	switch {
	case t.Host == "" && l.network == "unix":
		t.Host = "localhost"
	case t.Host == "":
		t.Host = l.address
	case l.port != "" && l.port != usual:
		t.Host = net.JoinHostPort(t.Host, l.port)
	}
	if t.Unchecked == "" && l.onDemand && t.Nameless() {
		t.Unchecked = "the site has no name to ask for, and certificates are got on demand: to ask would order one"
	}
	return t
}
