package sitecheck

import (
	"encoding/json"
	"slices"
	"strings"
)

// Fallbacks finds the receivers and verifiers in whose site a request with a wrong path gets no answer but Caddy's
// own, an empty 200: Smartcar takes it for a delivery, and the event is gone.
func (s *Server) Fallbacks() []Finding {
	var found []Finding
	for _, r := range s.takers() {
		if r.hasFallback() {
			continue
		}
		path, such := r.path(), ""
		if path != "" && !strings.HasSuffix(path, "*") && !r.rewritten() {
			such = ", such as " + path + "/,"
		}
		f := Finding{
			Site: s.name(r.hosts()), Directive: r.handler().Name, Argument: path,
			Text: "a webhook to a wrong path" + such + " gets Caddy's empty 200, which Smartcar takes for a delivery," +
				" and is lost: end the site with `respond 404`",
		}
		if !slices.ContainsFunc(found, func(other Finding) bool { return other == f }) {
			found = append(found, f)
		}
	}
	return found
}

// hasFallback looks, at each step of the way where a request with another path leaves it, whether
// something else answers.
func (r receiver) hasFallback() bool {
	for i, l := range r.chain {
		if l.route().limitsPath() && !answeredBeside(r.chain, i) {
			return false
		}
	}
	return true
}

// answeredBeside reports whether a request is answered that took the chain up to its link i and
// does not match that one.
func answeredBeside(chain []link, i int) bool {
	for j := range chain[i].list {
		if j != chain[i].index && chain[i].list[j].answersAll() {
			return true
		}
	}
	for m := i - 1; m >= 0; m-- {
		taken := chain[m].route()
		for _, h := range taken.Handle[chain[m].handler+1:] {
			if h.answers() {
				return true
			}
		}
		if taken.Terminal {
			return false
		}
		for j := range chain[m].list {
			other := &chain[m].list[j]
			// Of a group only one route is taken.
			if j != chain[m].index && (taken.Group == "" || other.Group != taken.Group) && other.answersAll() {
				return true
			}
		}
	}
	return false
}

// limitsPath reports whether requests with some paths do not match the route.
func (r *Route) limitsPath() bool {
	if len(r.Match) == 0 {
		return false
	}
	for _, set := range r.Match {
		limited := limits(set["path"])
		for _, name := range []string{"path_regexp", "expression", "not"} {
			limited = limited || set[name] != nil
		}
		if !limited {
			return false
		}
	}
	return true
}

// limits reports whether a path matcher leaves paths out.
func limits(matcher json.RawMessage) bool {
	var paths []string
	if json.Unmarshal(matcher, &paths) != nil {
		return false
	}
	return len(paths) > 0 && !slices.Contains(paths, "*") && !slices.Contains(paths, "/*")
}

// narrow are the matchers that leave out what a sender may get wrong.
var narrow = []string{
	"path_regexp", "method", "header", "header_regexp", "query", "protocol", "remote_ip", "client_ip", "file",
}

// answersAll reports whether the route answers whatever comes, as far as that can be told.
func (r *Route) answersAll() bool {
	if !slices.ContainsFunc(r.Handle, func(h Handler) bool { return h.answers() }) {
		return false
	}
	if len(r.Match) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Match, func(set map[string]json.RawMessage) bool {
		return !limits(set["path"]) && !slices.ContainsFunc(narrow, func(name string) bool { return set[name] != nil })
	})
}

// passing are the handlers that leave the answer to the next one.
var passing = []string{
	"headers", "encode", "vars", "rewrite", "request_body", "log_append", "map", "tracing", "copy_response_headers",
	"authentication", "intercept", "templates", "push", "timeouts",
	"smartcar_health", // which answers GET alone
	"smartcar_verify", // which answers what is no event
}

func (h Handler) answers() bool {
	if h.Name == "subroute" {
		return slices.ContainsFunc(h.Routes, func(r Route) bool { return r.answersAll() })
	}
	return !slices.Contains(passing, h.Name)
}
