package simulator

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Type says what is sent.
type Type string

// The types.
const (
	TypeState    Type = "state"     // VEHICLE_STATE
	TypeError    Type = "error"     // VEHICLE_ERROR, an error that begins
	TypeResolved Type = "resolved"  // VEHICLE_ERROR, the end of that error
	TypeVerify   Type = "verify"    // VERIFY of version 4, unsigned
	TypeVerifyV2 Type = "verify-v2" // VERIFY of version 2.0, unsigned
)

// Options say what is sent, and how. Only URL and Token are required.
type Options struct {
	// URL is the receiver's address, https or http.
	URL string
	// Token is the Application Management Token that signs.
	Token string
	// Type is what is sent; empty: state.
	Type Type
	// Count is the number of events, 0: one. Duplicates and retries come on top.
	Count int
	// Rate is how many requests are begun in a second, retries aside; 0: as many as
	// Concurrency allows.
	Rate float64
	// Concurrency is how many requests may be under way at a time, and the number of
	// connections; 0: one.
	Concurrency int
	// Vehicles is how many vehicles the events are about, in turn; 0: one.
	Vehicles int
	// VehicleID, if set, is the one vehicle that all events are about, in place of Vehicles.
	VehicleID string
	// Duplicates is the share of the events, 0 to 1, that are delivered twice: the
	// same eventId with another deliveryId, as after an answer that got lost.
	Duplicates float64
	// Forge is the share of the events, 0 to 1, that are signed with another token.
	// A forged VERIFY has the body of an event as its challenge instead, to get it
	// signed by the receiver.
	Forge float64
	// Retry sends an event again that was not answered with a 2xx, on Smartcar's
	// schedule. Forged events are not sent again.
	Retry bool
	// Any2xx takes every 2xx for right, as of an application behind smartcar_verify, whose answers are its own.
	Any2xx bool
	// ClockFactor divides the waits of that schedule; 0: 1.
	ClockFactor float64
	// Body, if set, is sent as it is in place of made-up events.
	Body []byte
	// Size is the length of the bodies in bytes; 0, or too small: as short as possible.
	Size int
	// Mode is meta.mode; empty: TEST.
	Mode string
	// Webhook is meta.webhookId; empty: a random one, the same for all events.
	Webhook string
	// Timeout is the longest wait for an answer; 0: 15 s, as Smartcar's.
	Timeout time.Duration
	// TLS is for the connections; nil: the system's certificates.
	TLS *tls.Config
	// Client sends the requests in place of a client made for Concurrency and TLS. Its
	// redirects are not followed.
	Client *http.Client
	// Seed decides ids, and which events are duplicated or forged; 0: a random one.
	Seed uint64
	// OnResult, if set, is called with every attempt, by one goroutine at a time, in the
	// order in which they end. Sending waits for it.
	OnResult func(Result)
}

// OptionsError says that options cannot be meant.
type OptionsError struct{ error }

// Unwrap returns what is wrong.
func (e *OptionsError) Unwrap() error { return e.error }

// check returns o with its defaults, or an *OptionsError.
func (o Options) check() (Options, error) {
	o, err := o.complete()
	if err != nil {
		return o, &OptionsError{err}
	}
	return o, nil
}

func (o Options) complete() (Options, error) {
	u, err := url.Parse(o.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return o, errors.New("the URL must be a whole one, such as https://example.com/webhooks/smartcar")
	}
	if o.Token == "" {
		return o, errors.New("a token is needed to sign events with")
	}
	switch o.Type {
	case "":
		o.Type = TypeState
	case TypeState, TypeError, TypeResolved, TypeVerify, TypeVerifyV2:
	default:
		return o, fmt.Errorf("unknown type %q: use state, error, resolved, verify or verify-v2", o.Type)
	}
	if o.VehicleID != "" && o.Vehicles > 1 {
		return o, errors.New("either one vehicle by its id or a number of vehicles can be asked for, not both")
	}
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"count", float64(o.Count)},
		{"rate", o.Rate},
		{"concurrency", float64(o.Concurrency)},
		{"number of vehicles", float64(o.Vehicles)},
		{"size", float64(o.Size)},
		{"clock factor", o.ClockFactor},
		{"timeout", float64(o.Timeout)},
	} {
		if !(n.value >= 0) || math.IsInf(n.value, 1) {
			return o, fmt.Errorf("the %s must be a number that is not negative", n.name)
		}
	}
	if !isShare(o.Duplicates) || !isShare(o.Forge) {
		return o, errors.New("the shares of duplicates and of forged events must be between 0 and 1")
	}
	o.Count = max(o.Count, 1)
	o.Concurrency = max(o.Concurrency, 1)
	o.Vehicles = max(o.Vehicles, 1)
	if o.ClockFactor == 0 {
		o.ClockFactor = 1
	}
	if o.Mode == "" {
		o.Mode = smartcar.ModeTest
	}
	if o.Timeout == 0 {
		o.Timeout = answerTimeout
	}
	for o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return o, nil
}

func isShare(x float64) bool { return x >= 0 && x <= 1 }

// ParseShare reads a share as people write it: 0.25 or 25%.
func ParseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	x, err := strconv.ParseFloat(number, 64)
	if percent {
		x /= 100
	}
	if err != nil || !isShare(x) {
		return 0, fmt.Errorf("%q is no share: write a number between 0 and 1, such as 0.25, or a percentage, such as 25%%", s)
	}
	return x, nil
}
