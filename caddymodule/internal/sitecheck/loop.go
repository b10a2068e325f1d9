package sitecheck

import (
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Receives reports whether a POST to the URL, through the unix socket where that is not "", comes to a receiver of the
// server, as far as the config decides that: a name that the site does not have may still lead here.
func (s *Server) Receives(target, unixSocket string) (site string, ok bool) {
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" {
		return "", false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := strings.ToLower(u.Hostname())
	isHere := func(at string) bool { return listens(at, host, port) }
	if unixSocket != "" {
		isHere = func(at string) bool { return listensOn(at, unixSocket) }
	}
	if !slices.ContainsFunc(s.Listen, isHere) {
		return "", false
	}
	for _, r := range s.receivers() {
		if r.takes(host, pathOf(u), unixSocket != "" || isLoopback(host)) {
			return s.name(r.hosts()), true
		}
	}
	return "", false
}

func pathOf(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	return u.Path
}

// listens reports whether a listener takes connections to host and port.
func listens(at, host, port string) bool {
	network, address, ok := strings.Cut(at, "/")
	if !ok {
		network, address = "tcp", at
	}
	if !strings.HasPrefix(network, "tcp") {
		return false
	}
	name, ports, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	first, last, ranged := strings.Cut(ports, "-")
	if !ranged {
		last = first
	}
	want, errWant := strconv.Atoi(port)
	from, errFrom := strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	if errWant != nil || errFrom != nil || errTo != nil || want < from || want > to {
		return false
	}
	ip, err := netip.ParseAddr(name)
	if name == "" || err == nil && ip.IsUnspecified() {
		return true
	}
	if name == host || isLoopback(name) && isLoopback(host) {
		return true
	}
	// Where another name leads is not for the config to say; the site's own name leads to it.
	return !isLoopback(host) && !isIP(host) && !isLoopback(name)
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// listensOn reports whether a listener is a unix socket, as in unix//run/caddy.sock|0220.
func listensOn(at, unixSocket string) bool {
	network, address, _ := strings.Cut(at, "/")
	address, _, _ = strings.Cut(address, "|")
	return strings.HasPrefix(network, "unix") && filepath.Clean(address) == filepath.Clean(unixSocket)
}

// takes reports whether a POST with this Host and path comes to the receiver. here: it comes to this machine for sure,
// so that a site without a name has it.
func (r receiver) takes(host, path string, here bool) bool {
	named := false
	for _, l := range r.chain {
		route := l.route()
		if len(route.Match) == 0 {
			continue
		}
		if !slices.ContainsFunc(route.Match, func(set map[string]json.RawMessage) bool {
			matched, byName := setTakes(set, host, path, l.rewritten)
			named = named || matched && byName
			return matched
		}) {
			return false
		}
	}
	return named || here
}

// setTakes is false also where that cannot be told.
func setTakes(set map[string]json.RawMessage, host, path string, rewritten bool) (matched, byName bool) {
	for name, raw := range set {
		var values []string
		if json.Unmarshal(raw, &values) != nil {
			return false, false
		}
		switch name {
		case "host":
			byName = slices.ContainsFunc(values, func(pattern string) bool { return hostMatches(pattern, host) })
			if !byName {
				return false, false
			}
		case "path":
			if rewritten || !slices.ContainsFunc(values, func(pattern string) bool { return pathMatches(pattern, path) }) {
				return false, false
			}
		case "method":
			if !slices.Contains(values, "POST") {
				return false, false
			}
		default:
			return false, false
		}
	}
	return true, byName
}

func hostMatches(pattern, host string) bool {
	pattern = strings.ToLower(pattern)
	if pattern == host {
		return true
	}
	_, rest, ok := strings.Cut(host, ".")
	return ok && pattern == "*."+rest
}

// pathMatches knows the forms of Caddy's path matcher: exact, with a * at an end, or at both.
func pathMatches(pattern, path string) bool {
	pattern, path = strings.ToLower(pattern), strings.ToLower(path)
	head, isPrefix := strings.CutSuffix(pattern, "*")
	tail, isSuffix := strings.CutPrefix(pattern, "*")
	switch {
	case pattern == "*":
		return true
	case isPrefix && isSuffix:
		return strings.Contains(path, pattern[1:len(pattern)-1])
	case isPrefix:
		return strings.HasPrefix(path, head)
	case isSuffix:
		return strings.HasSuffix(path, tail)
	default:
		return pattern == path
	}
}
