// Package alert tells people of what needs attention: one message when something has stood for a while, one for each
// window while it lasts, and one when it has ended. What comes together is one message. All of it is kept in memory,
// per target, and outlives reloads.
package alert

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// Defaults of Rules.
const (
	DefaultEvery = 4 * time.Hour
	DefaultAfter = time.Minute
)

const (
	// longestLook and shortestLook bound the pauses between two looks at the status.
	longestLook, shortestLook = 15 * time.Second, time.Second
	// longestSpacing bounds how long what has come since waits for the next message.
	longestSpacing = time.Minute
	// mostInAnHour bounds the messages to one target.
	mostInAnHour = 12
	// longestPause bounds the pauses after messages that did not get through.
	longestPause = 15 * time.Minute
	// failuresTold in a row are enough to say that messages do not get through.
	failuresTold = 2
	// mostItems bounds what is remembered, of all that stands and for each target.
	mostItems = 500
	// mostRetired is how many targets of earlier configs are remembered: a config that is taken back has them again.
	mostRetired = 16
	// mostRemembered is how many messages a Report has.
	mostRemembered = 20
)

// Rules say when a message goes out.
type Rules struct {
	// Every is the window: how long it is until the same thing is said again. After is how long it must have stood.
	Every, After time.Duration
	// Level is the least: api.LevelWarning or api.LevelError.
	Level string
}

// look is the pause between two looks at the status.
func (r Rules) look() time.Duration { return min(max(r.After/4, shortestLook), longestLook) }

// hold is how long a thing must be gone before it has ended.
func (r Rules) hold() time.Duration { return max(r.After, 2*r.look()) }

// spacing is how long it is from one message to a target to the next.
func (r Rules) spacing() time.Duration { return min(max(r.After, shortestLook), longestSpacing) }

// wants reports whether a thing is worth a message.
func (r Rules) wants(a *api.Attention) bool {
	// That Caddy stops is what somebody wanted.
	return a.Kind != api.Stopping && (a.Level == api.LevelError || r.Level != api.LevelError)
}

// Target is where messages go.
type Target struct {
	// Name is shown, such as "slack hooks.slack.com". No two targets have one.
	Name string
	// Key is the same for as long as the same people are told. It is not shown.
	Key    string
	Sender send.Sender
}

// Config is what the config in force says.
type Config struct {
	Rules
	Targets []Target
}
