// Package sitecheck looks at the sites that receivers and verifiers stand in: mistakes there lose events
// without a word, because Caddy answers 200 where nothing else is configured. It goes by the JSON of
// Caddy's app http, and imports no Caddy.
//
// It says only what the config decides. What it cannot decide, such as a matcher that is an
// expression, counts in favour of the config.
package sitecheck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The handlers that are looked for: what stores events, and what passes them on to an application.
const (
	receiverName = "smartcar_webhook"
	verifierName = "smartcar_verify"
)

// Server is what is looked at of a server.
type Server struct {
	Listen []string `json:"listen"`
	Routes []Route  `json:"routes"`
	// NamedRoutes are invoked by others.
	NamedRoutes map[string]Route `json:"named_routes"`
	Errors      struct {
		Routes []Route `json:"routes"`
	} `json:"errors"`
}

// Route is a route of a server or of a subroute.
type Route struct {
	Group    string                       `json:"group"`
	Match    []map[string]json.RawMessage `json:"match"`
	Handle   []Handler                    `json:"handle"`
	Terminal bool                         `json:"terminal"`
}

// Handler is what is looked at of a handler, of whichever kind.
type Handler struct {
	Name           string            `json:"handler"`
	Routes         []Route           `json:"routes"`
	StatusCode     json.RawMessage   `json:"status_code"`
	HandleResponse []json.RawMessage `json:"handle_response"`
	// Source is that of a receiver, "" for its default.
	Source string `json:"source"`
	// MaxAge is the max_age of a receiver, as it stands.
	MaxAge json.RawMessage `json:"max_age"`
	// StripPrefix is what a rewrite takes off the path, if it does nothing else.
	StripPrefix string `json:"strip_path_prefix"`
}

// UnmarshalJSON passes over fields of other handlers that have another form.
func (h *Handler) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("reading a handler: %w", err)
	}
	_ = json.Unmarshal(fields["handler"], &h.Name)
	_ = json.Unmarshal(fields["routes"], &h.Routes)
	_ = json.Unmarshal(fields["handle_response"], &h.HandleResponse)
	_ = json.Unmarshal(fields["source"], &h.Source)
	if h.Name == "rewrite" && len(fields) == 2 {
		_ = json.Unmarshal(fields["strip_path_prefix"], &h.StripPrefix)
	}
	h.StatusCode, h.MaxAge = fields["status_code"], fields["max_age"]
	return nil
}

// Findings are the mistakes of a server: those that lose events, and those that let requests through unverified.
func (s *Server) Findings() (losses, bypasses []Finding) {
	return append(s.Fallbacks(), s.ErrorPages()...), s.Bypasses()
}

// Finding is one mistake.
type Finding struct {
	// Site is the hosts, or else the addresses, of the site.
	Site string
	// Directive is where in a Caddyfile the mistake is to be mended, and Argument its first
	// argument if that tells several apart.
	Directive, Argument string
	// Text says what is wrong, and what to do.
	Text string
}

// receivers returns the receivers of a server.
func (s *Server) receivers() []receiver { return find(s.Routes, nil, link{}, receiverName) }

// takers returns the receivers and verifiers of a server.
func (s *Server) takers() []receiver { return find(s.Routes, nil, link{}, receiverName, verifierName) }

// receiver is one, or a verifier, with the routes that lead to it, the outermost first.
type receiver struct{ chain []link }

// link is one route of the chain in its list.
type link struct {
	list  []Route
	index int
	// handler is which of the route's handlers leads on.
	handler int
	// rewritten: the path may have been changed before the route is matched. If it was only by taking something off its
	// beginning, that is stripped.
	rewritten bool
	stripped  string
}

func (l link) route() *Route { return &l.list[l.index] }

// find looks through a list for handlers with some names; as has what was done to the path before it.
func find(list []Route, outer []link, as link, names ...string) []receiver {
	var found []receiver
	for i := range list {
		before := as
		for j, h := range list[i].Handle {
			before.list, before.index, before.handler = list, i, j
			at := append(append([]link(nil), outer...), before)
			switch {
			case slices.Contains(names, h.Name):
				found = append(found, receiver{chain: at})
			case h.Name == "subroute":
				found = append(found, find(h.Routes, at, link{rewritten: as.rewritten, stripped: as.stripped}, names...)...)
			case h.Name == "rewrite":
				as.stripped = stripped(as, h)
				as.rewritten = true
			}
		}
	}
	return found
}

// stripped is what has been taken off the path when a rewrite is done, "" if it is not only that.
func stripped(as link, h Handler) string {
	if as.rewritten && as.stripped == "" {
		return ""
	}
	if h.StripPrefix == "" {
		return ""
	}
	return as.stripped + h.StripPrefix
}

// hosts are those of the outermost routes that name some, nil: all.
func (r receiver) hosts() []string {
	for _, l := range r.chain {
		if hosts := l.route().hosts(); hosts != nil {
			return hosts
		}
	}
	return nil
}

// path is a path that the receiver has, "" where none is said.
func (r receiver) path() string {
	for i := len(r.chain) - 1; i >= 0; i-- {
		if paths := r.chain[i].route().paths(); len(paths) > 0 {
			return paths[0]
		}
	}
	return ""
}

// rewritten reports whether the receiver sees another path than the sender wrote.
func (r receiver) rewritten() bool {
	return slices.ContainsFunc(r.chain, func(l link) bool { return l.rewritten })
}

// hosts returns nil where not every way into the route names its hosts.
func (r *Route) hosts() []string {
	var all []string
	for _, set := range r.Match {
		var hosts []string
		if json.Unmarshal(set["host"], &hosts) != nil || len(hosts) == 0 {
			return nil
		}
		all = append(all, hosts...)
	}
	return all
}

func (r *Route) paths() []string {
	var all []string
	for _, set := range r.Match {
		var paths []string
		if json.Unmarshal(set["path"], &paths) == nil {
			all = append(all, paths...)
		}
	}
	return all
}

// name is what people call the site of a receiver.
func (s *Server) name(hosts []string) string {
	if len(hosts) > 0 {
		return strings.Join(hosts, ", ")
	}
	return strings.Join(s.Listen, ", ")
}
