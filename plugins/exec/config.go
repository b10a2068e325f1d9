package exec

import (
	"encoding/json"
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// config is the config block of the handlers file.
type config struct {
	Command     []string          `config:"command" doc:"The program and its arguments; no shell is involved."`
	Dir         string            `config:"dir,optional" doc:"Its working folder; default: that of Caddy."`
	Input       string            `config:"input,optional" doc:"What it reads on stdin: payload or event; default: payload, with a batch event."`
	Batch       int               `config:"batch" default:"1" doc:"How many events one run gets at most."`
	ExitCodes   map[string]string `config:"exit_codes,optional" doc:"What becomes of an event by the exit code: \"3\" or \"other\" = \"done\", \"retry\", \"reject\" or \"unavailable\"."`
	MemoryLimit sdk.Bytes         `config:"memory_limit" default:"0" doc:"How much memory each process of it may use, on Linux; 0 is no limit."`
}

// The values of input.
const (
	inputPayload = "payload"
	inputEvent   = "event"
)

const (
	maxBatch  = 1000
	minMemory = 1 << 20
)

// Validate checks what types cannot express.
func (c config) Validate() error {
	errs := []error{child.CheckCommand(c.Command, c.Dir)}
	switch c.Input {
	case "", inputEvent:
	case inputPayload:
		if c.Batch > 1 {
			errs = append(errs, sdk.ConfigError("input", "Payloads of a batch cannot be told apart", "Use input = \"event\"."))
		}
	default:
		errs = append(errs, sdk.ConfigError("input", "Unknown input", "Write \"payload\" or \"event\"."))
	}
	if c.Batch < 1 || c.Batch > maxBatch {
		errs = append(errs, sdk.ConfigError("batch", "Out of range", "Use 1 to 1000."))
	}
	if c.MemoryLimit > 0 && !child.LimitsMemory {
		errs = append(errs, sdk.ConfigError("memory_limit", "Not on this system", "Only Linux can limit it; leave it out."))
	}
	if c.MemoryLimit > 0 && c.MemoryLimit < minMemory {
		errs = append(errs, sdk.ConfigError("memory_limit", "Too small", "Use 1MiB or more, or 0 for no limit."))
	}
	_, wrong := newCodes(c.ExitCodes)
	return errors.Join(append(errs, wrong...)...)
}

// CheckFiles looks whether the program that a config names is there and can be run. It starts nothing.
func CheckFiles(raw json.RawMessage) []sdk.Diagnostic { return child.CheckFiles(raw) }
