package notify

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// config is the config block of the handlers file.
type config struct {
	State     string        `config:"state" doc:"File in which is kept what was told; its folder must exist."`
	Slack     []slack       `config:"slack" doc:"A channel of Slack, or of what takes the same: Mattermost, Discord."`
	Webhook   []webhook     `config:"webhook" doc:"A URL that gets each message as JSON."`
	SMTP      []smtp        `config:"smtp" doc:"A mail server, and who gets mail."`
	Window    time.Duration `config:"window" default:"5m" doc:"How long it is until the same error of a vehicle is told again."`
	Resolved  string        `config:"resolved" default:"told" doc:"Which errors are told to be over: told (those that were told), always or never."`
	Rate      *rateBlock    `config:"rate" doc:"How many messages go out; what is more goes into a digest."`
	Replays   bool          `config:"replays" default:"false" doc:"Whether events that an operator asked for again are told too."`
	Keep      time.Duration `config:"keep" default:"720h" doc:"How long an error that nothing is heard of is remembered."`
	Condition string        `config:"condition,optional" doc:"A template: what gives true is told. Without one only VEHICLE_ERROR is."`
	Code      string        `config:"code,optional" doc:"What a condition is called; without one it has the handler's name."`
	Title     string        `config:"title,optional" doc:"A template of the message's first line."`
	Text      string        `config:"text,optional" doc:"A template of the message."`
}

// rateBlock is how many messages go out.
type rateBlock struct {
	Max int           `config:"max" default:"10" doc:"Messages in each period, digests among them."`
	Per time.Duration `config:"per" default:"1m" doc:"The period."`
}

// The values of resolved.
const (
	resolvedTold   = "told"
	resolvedAlways = "always"
	resolvedNever  = "never"
)

const (
	mostTargets   = 20
	shortestSpan  = time.Second
	longestWindow = 30 * 24 * time.Hour
	longestPer    = 24 * time.Hour
	longestKeep   = 366 * 24 * time.Hour
	mostPerPeriod = 10_000
	mostCode      = 64
)

// Validate checks what types cannot express. It never repeats a value that may hold a secret.
func (c config) Validate() error {
	errs := []error{c.checkTargets()}
	if c.State == "" {
		errs = append(errs, sdk.ConfigError("state", "Empty path",
			"Name a file of this handler's own, such as \"/var/lib/smartcar/notify.db\"."))
	}
	if c.Window < shortestSpan || c.Window > longestWindow {
		errs = append(errs, sdk.ConfigError("window", "Not a window", "Use 1s to 720h; Smartcar advises 2m to 5m."))
	}
	if c.Keep < c.Window || c.Keep > longestKeep {
		errs = append(errs, sdk.ConfigError("keep", "Too short or too long", "Use no less than window, and 8784h at most."))
	}
	switch c.Resolved {
	case resolvedTold, resolvedAlways, resolvedNever:
	default:
		errs = append(errs, sdk.ConfigError("resolved", "Unknown choice", `Write "told", "always" or "never".`))
	}
	if len(c.Code) > mostCode {
		errs = append(errs, sdk.ConfigError("code", "Too long", fmt.Sprintf("Use at most %d bytes.", mostCode)))
	}
	if c.Condition == "" && c.Code != "" {
		errs = append(errs, sdk.ConfigError("code", "There is no condition",
			"A code names a condition; a VEHICLE_ERROR has its own. Add condition, or leave code out."))
	}
	_, err := newTemplates(c)
	return errors.Join(append(errs, err)...)
}

// Validate checks the limits.
func (r rateBlock) Validate() error {
	var errs []error
	if r.Max < 1 || r.Max > mostPerPeriod {
		errs = append(errs, sdk.ConfigError("max", "Not a number of messages", "Use 1 to 10000."))
	}
	if r.Per < shortestSpan || r.Per > longestPer {
		errs = append(errs, sdk.ConfigError("per", "Not a period", "Use 1s to 24h, such as \"1m\"."))
	}
	return errors.Join(errs...)
}

// rate is the block, or what holds without one.
func (c config) rate() rateBlock {
	if c.Rate == nil {
		return rateBlock{Max: 10, Per: time.Minute}
	}
	return *c.Rate
}
