// Package stage names the steps on an event's way that have a line of their own in the log, and says which of these lines
// are written.
package stage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// Stage is one step of an event. Its text is the field `event` of its line.
type Stage string

// The stages, in the order in which an event has them.
const (
	// SignatureVerified: a request's signature was right.
	SignatureVerified Stage = "signature.verified"
	// SignatureFailed: a request was refused because of its signature.
	SignatureFailed Stage = "signature.failed"
	// WebhookReceived: an event was answered with 200, so it is stored.
	WebhookReceived Stage = "webhook.received"
	// ProcessingStarted: an event goes to a handler.
	ProcessingStarted Stage = "processing.started"
	// ProcessingCompleted: the handler is done with it.
	ProcessingCompleted Stage = "processing.completed"
	// ProcessingFailed: the handler is not.
	ProcessingFailed Stage = "processing.failed"
)

// Words that stand alone, for every stage and for none.
const (
	All  = "all"
	None = "none"
)

var known = []Stage{
	SignatureVerified, SignatureFailed, WebhookReceived, ProcessingStarted, ProcessingCompleted, ProcessingFailed,
}

// Set is which stages are written. The zero value: none.
type Set uint32

// Default is the Set where nobody says otherwise: what warns of an attack or a wrong token, and comes seldom.
var Default = Of(SignatureFailed)

// Of returns a Set of these stages.
func Of(stages ...Stage) Set {
	var s Set
	for _, st := range stages {
		s |= bit(st)
	}
	return s
}

// Has reports whether a stage is written.
func (s Set) Has(st Stage) bool { return s&bit(st) != 0 }

// bit is switched over rather than looked up, since each event asks for several.
func bit(st Stage) Set {
	switch st {
	case SignatureVerified:
		return 1 << 0
	case SignatureFailed:
		return 1 << 1
	case WebhookReceived:
		return 1 << 2
	case ProcessingStarted:
		return 1 << 3
	case ProcessingCompleted:
		return 1 << 4
	case ProcessingFailed:
		return 1 << 5
	}
	return 0
}

// Parse reads names of stages, or one of the words All and None. No names are the Default. An error names the stages that
// there are.
func Parse(names []string) (Set, error) {
	switch {
	case len(names) == 0:
		return Default, nil
	case len(names) == 1 && names[0] == All:
		return Of(known...), nil
	case len(names) == 1 && names[0] == None:
		return 0, nil
	}
	var s Set
	for _, name := range names {
		st := Stage(name)
		switch {
		case name == All || name == None:
			return 0, fmt.Errorf("%s stands alone, without names of stages", name)
		case !slices.Contains(known, st):
			return 0, unknown(name)
		case s.Has(st):
			return 0, fmt.Errorf("stage %s is given twice", name)
		}
		s |= bit(st)
	}
	return s, nil
}

// unknown repeats the word only if it looks like a stage: it may also be a secret in the wrong place.
func unknown(name string) error {
	names := make([]string, 0, len(known)+2)
	for _, st := range known {
		names = append(names, string(st))
	}
	names = append(names, All, None)
	what, hint := "unknown stage", text.DidYouMean(name, names)
	if looksLikeStage(name) {
		what += fmt.Sprintf(" %q", name)
	}
	if hint != "" {
		hint = "." + hint
	}
	return fmt.Errorf("%s; there is: %s%s", what, strings.Join(names, ", "), hint)
}

func looksLikeStage(name string) bool {
	return len(name) <= 24 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz._") == ""
}
