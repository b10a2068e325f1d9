package sitecheck

import "slices"

// Bypasses finds the verifiers for some paths before a proxy for all: on the others the application gets requests that
// nobody has verified, and many applications take /hook/ for /hook.
func (s *Server) Bypasses() []Finding {
	var found []Finding
	for _, r := range find(s.Routes, nil, link{}, verifierName) {
		if !r.isBypassed() {
			continue
		}
		path := r.path()
		at, such := "some paths", ""
		if path != "" {
			at, such = path, " "+path
		}
		f := Finding{
			Site: s.name(r.hosts()), Directive: verifierName, Argument: path,
			Text: "only " + at + " is verified, and the reverse_proxy beside it takes other paths too: there the application" +
				" gets requests as they came, with whatever X-Smartcar headers they have. Put both into one `handle" + such +
				"`, or leave the matcher out",
		}
		if !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return found
}

// isBypassed goes by the verifier's own list of routes: what stands in another `handle` is meant to be unverified.
func (r receiver) isBypassed() bool {
	own := r.chain[len(r.chain)-1]
	if !own.route().limitsPath() {
		return false
	}
	return slices.ContainsFunc(own.list[own.index+1:], func(next Route) bool { return !next.limitsPath() && next.proxies() })
}

// proxies reports whether the route hands requests of any path to another server, before a verifier of its own.
func (r *Route) proxies() bool {
	for _, h := range r.Handle {
		switch h.Name {
		case verifierName:
			return false
		case "reverse_proxy":
			return true
		case "subroute":
			for i := range h.Routes {
				inner := &h.Routes[i]
				if inner.limitsPath() {
					continue
				}
				if slices.ContainsFunc(inner.Handle, func(h Handler) bool { return h.Name == verifierName }) {
					return false
				}
				if inner.proxies() {
					return true
				}
			}
		}
	}
	return false
}
