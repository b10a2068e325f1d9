package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Member is a receiver, as the app sees it.
type Member struct {
	Source string
	Keys   *smartcar.Keys
	// Tokens are what is known of the use of each of its tokens.
	Tokens       []*traffic.Token
	StoreTimeout time.Duration
	// MaxAge is the age from which on deliveries are too old, 0 where that is not looked at; RefusesOld: they are refused.
	MaxAge     time.Duration
	RefusesOld bool
}

// Join makes a receiver known, and the server that is being set up with ctx, once however many receivers it has: its
// connections are counted, and its sites are looked at. What loses events there is a warning, a handler that sends its
// events back to a receiver an error.
func (a *App) Join(ctx caddy.Context, m Member) error {
	a.storeTimeout = min(m.StoreTimeout, cmp.Or(a.storeTimeout, m.StoreTimeout))
	if !slices.Contains(a.sources, m.Source) {
		a.sources = append(a.sources, m.Source)
	}
	a.keys.Add(m.Source, m.Keys)
	a.accepted.Add(m.Source, m.Tokens)
	a.noteMaxAge(m)
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server == nil || slices.ContainsFunc(a.sites, func(s site) bool { return s.server == server }) {
		return nil
	}
	server.RegisterConnContext(a.ref.counts.Connections.Begin)
	server.RegisterConnState(a.ref.counts.Connections.Turn)

	view, err := viewOf(server)
	if err != nil {
		return err
	}
	a.sites = append(a.sites, site{server: server, places: view.Places()})
	a.warned.of(server, view, a.log)
	for i := range a.definitions {
		d := &a.definitions[i]
		err := loop(view, d)
		switch {
		case err == nil:
		case a.start == ofProcess:
			a.logMistake(d.Name, err)
			*d = d.WithMistake(err)
		default:
			return err
		}
	}
	return nil
}

// loop refuses a handler that sends events to a receiver of the same config. There they would be
// duplicates, answered 200: each would count as done, and no application would have had it.
func loop(view *sitecheck.Server, d *handlersfile.Definition) error {
	for _, target := range bundled.Targets(d.Plugin, d.ConfigJSON) {
		if site, ok := view.Receives(target.URL, target.UnixSocket); ok {
			return fmt.Errorf("%s:%d: handler %q: its url leads back to the receiver of site %s, where each event is a"+
				" duplicate that nobody works on: write the address of the application",
				d.Range.Filename, d.Range.Start.Line, d.Name, site)
		}
	}
	return nil
}

// viewOf returns a server as its config had it. While it is being set up, Caddy has taken up its outer
// matchers, and the routes before the first receiver; the others are as they were.
func viewOf(server *caddyhttp.Server) (*sitecheck.Server, error) {
	type route struct {
		Group    string            `json:"group,omitempty"`
		Match    []map[string]any  `json:"match,omitempty"`
		Handle   []json.RawMessage `json:"handle,omitempty"`
		Terminal bool              `json:"terminal,omitempty"`
	}
	var routes []route
	for i := range server.Routes {
		r := &server.Routes[i]
		known := route{Group: r.Group, Handle: r.HandlersRaw, Terminal: r.Terminal}
		for _, set := range r.MatcherSets {
			matchers := make(map[string]any, len(set))
			for _, m := range set {
				name := fmt.Sprintf("%T", m)
				if module, ok := m.(caddy.Module); ok {
					name = module.CaddyModule().ID.Name()
				}
				matchers[name] = m
			}
			known.Match = append(known.Match, matchers)
		}
		routes = append(routes, known)
	}
	data, err := json.Marshal(map[string]any{"listen": server.Listen, "routes": routes, "errors": server.Errors})
	if err != nil {
		return nil, fmt.Errorf("looking at the sites: %w", err)
	}
	view := new(sitecheck.Server)
	if err := json.Unmarshal(data, view); err != nil {
		return nil, fmt.Errorf("looking at the sites: %w", err)
	}
	return view, nil
}
