package sitecheck

import (
	"encoding/json"
	"slices"
	"strings"
)

// Place is where a receiver stands, for a request to come to it.
type Place struct {
	// Source is that of the receiver, "" for its default.
	Source string
	// Host is one that leads to it, "" for any, and Path one of its paths.
	Host, Path string
	// Unknown is why the config does not tell such a request, "" where it does.
	Unknown string
	// Sender: whether the request gets there may depend on who sends it, or on something else that is not its own.
	Sender bool
}

// Places returns where the server's receivers stand.
func (s *Server) Places() []Place {
	var places []Place
	for _, r := range s.receivers() {
		places = append(places, r.place())
	}
	return places
}

// Sources returns those of the server's receivers, "" for the default, wherever they stand.
func (s *Server) Sources() []string { return sourcesOf(s.Receivers()) }

// PassingSources returns those of the server's verifiers, which store no event.
func (s *Server) PassingSources() []string { return sourcesOf(s.everywhere(verifierName)) }

func sourcesOf(handlers []Handler) []string {
	var sources []string
	for _, h := range handlers {
		sources = append(sources, h.Source)
	}
	return sources
}

// Receivers returns each receiver, those of named routes last.
func (s *Server) Receivers() []Handler { return s.everywhere(receiverName) }

func (s *Server) everywhere(name string) []Handler {
	found := find(s.Routes, nil, link{}, name)
	for _, route := range s.NamedRoutes {
		found = append(found, find([]Route{route}, nil, link{}, name)...)
	}
	var handlers []Handler
	for _, r := range found {
		handlers = append(handlers, r.handler())
	}
	return handlers
}

func (r receiver) handler() Handler {
	last := r.chain[len(r.chain)-1]
	return last.route().Handle[last.handler]
}

func (r receiver) source() string { return r.handler().Source }

func (r receiver) place() Place {
	p := Place{Source: r.source(), Path: "/", Sender: r.dependsOnSender()}
	if hosts := r.hosts(); hosts != nil {
		i := slices.IndexFunc(hosts, func(host string) bool { return !strings.ContainsAny(host, "*{") })
		if i < 0 {
			p.Unknown = "the site has no name without a placeholder or a *"
			return p
		}
		p.Host = hosts[i]
	}
	for i := len(r.chain) - 1; i >= 0; i-- {
		l := r.chain[i]
		paths := l.route().paths()
		switch {
		case len(paths) > 0 && l.rewritten && l.stripped == "":
			p.Unknown = "the path is rewritten before the receiver"
			return p
		case len(paths) > 0:
			p.Path = l.stripped + onePath(paths[0])
			return p
		case l.route().limitsPath():
			p.Unknown = "the receiver's path is no plain one"
			return p
		}
	}
	return p
}

// onePath is a path that a pattern of Caddy's path matcher takes.
func onePath(pattern string) string {
	path := strings.ReplaceAll(pattern, "*", "")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// ofRequest are the matchers that go by what each of Smartcar's requests has alike.
var ofRequest = []string{"host", "path", "path_regexp", "method", "protocol"}

// dependsOnSender looks at the routes that lead to the receiver, and those before them that may answer.
func (r receiver) dependsOnSender() bool {
	for _, l := range r.chain {
		for i := range l.list[:l.index+1] {
			route := &l.list[i]
			if i < l.index && !route.mayAnswer() {
				continue
			}
			if slices.ContainsFunc(route.Match, setDependsOnSender) {
				return true
			}
		}
	}
	return false
}

// mayAnswer is true also where that cannot be told, as of a route whose handlers Caddy has taken up already.
func (r *Route) mayAnswer() bool {
	return len(r.Handle) == 0 || slices.ContainsFunc(r.Handle, func(h Handler) bool { return h.mayAnswer() })
}

func (h Handler) mayAnswer() bool {
	return h.Name == "subroute" || h.Name == "authentication" || h.answers()
}

func setDependsOnSender(set map[string]json.RawMessage) bool {
	for name, raw := range set {
		if name != "not" {
			if !slices.Contains(ofRequest, name) {
				return true
			}
			continue
		}
		var inner []map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) != nil || slices.ContainsFunc(inner, setDependsOnSender) {
			return true
		}
	}
	return false
}
