package selfcheck

import (
	"net"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Target is a receiver, and the way that a request takes to it.
type Target struct {
	Source string
	// Network and Address are what to dial, as of net.Dial. TLS: that is how the listener speaks.
	Network, Address string
	TLS              bool
	// Host is what the request names, with the port where that is not the usual one, and Path its path.
	Host, Path string
	// Unchecked is why the way cannot be told from the config, "" where it can.
	Unchecked string
	// Doubt is why an answer of something else says nothing, "" where it does: Smartcar's requests may go another way.
	Doubt string
}

// URL is the way for people.
func (t Target) URL() string {
	scheme := "http"
	if t.TLS {
		scheme = "https"
	}
	return scheme + "://" + t.Host + t.Path
}

// Nameless reports whether TLS has no name to ask for: the site has none, or an address.
func (t Target) Nameless() bool { return t.TLS && t.serverName() == "" }

// serverName is what TLS asks for, "" for an address without a name.
func (t Target) serverName() string {
	host, _, err := net.SplitHostPort(t.Host)
	if err != nil {
		host = t.Host
	}
	if net.ParseIP(host) != nil {
		return ""
	}
	return host
}

// State is what came of asking.
type State string

// The states, which package api describes.
const (
	Pending   State = api.CheckPending
	Reached   State = api.CheckReached
	Refused   State = api.CheckRefused
	Elsewhere State = api.CheckElsewhere
	Silent    State = api.CheckSilent
	Unchecked State = api.CheckUnchecked
)

// Fails reports whether events do not get to the receiver.
func (s State) Fails() bool { return s == Refused || s == Elsewhere || s == Silent }

// Result is what came of asking a target.
type Result struct {
	Target
	State State
	// At is when it was asked, zero for never.
	At time.Time
	// Status is the HTTP status of an answer of something else, 0 where there was none.
	Status int
	// Why says what is wrong, and Do what to do; "" where it was reached.
	Why, Do string

	// err is why nothing answered.
	err error
}
