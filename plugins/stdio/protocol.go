package stdio

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/eventline"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

const (
	// protocolVersion is the one that this plugin speaks; PROTOCOL.md describes it.
	protocolVersion = 1
	// maxLine bounds a line of the program on stdout, in bytes.
	maxLine = 1 << 20
	// maxMaxBatch bounds how many events one line holds.
	maxMaxBatch = 1000
	// maxNames bounds how many types, and how many settings, the answer to the first line names.
	maxNames = 100
	// maxAfter bounds how long a program may put an event off: a typing error must not hold up a vehicle for years.
	maxAfter = 24 * time.Hour
)

// firstLine is the first line that the program reads: an empty batch with what else it has to know.
type firstLine struct {
	Protocol int        `json:"smartcar_stdio"`
	ID       uint64     `json:"id"`
	Handler  string     `json:"handler"`
	Settings any        `json:"settings"`
	Events   []struct{} `json:"events"`
}

// newFirstLine is the first line for a handler of this name.
func newFirstLine(handler string, settings any) firstLine {
	if settings == nil {
		settings = struct{}{}
	}
	return firstLine{Protocol: protocolVersion, Handler: handler, Settings: settings, Events: []struct{}{}}
}

// hello is what the answer to the first line may say of the program.
type hello struct {
	Protocol int                `json:"smartcar_stdio"`
	Name     string             `json:"name"`
	Version  string             `json:"version"`
	Wants    []string           `json:"wants"`
	MaxBatch int                `json:"max_batch"`
	Settings map[string]setting `json:"settings"`
}

// setting is what the program says of one of its settings.
type setting struct {
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Doc      string `json:"doc"`
}

// settingTypes are the types of settings; "any" and "" take each value.
var settingTypes = []string{"string", "number", "bool", "list", "object", "any", ""}

func (s setting) fits(value any) bool {
	var ok bool
	switch s.Type {
	case "string":
		_, ok = value.(string)
	case "number":
		_, ok = value.(float64)
	case "bool":
		_, ok = value.(bool)
	case "list":
		_, ok = value.([]any)
	case "object":
		_, ok = value.(map[string]any)
	default:
		ok = true
	}
	return ok
}

// check finds what is wrong with the program's own words.
func (h hello) check() error {
	var errs []error
	wrong := func(detail string, args ...any) {
		errs = append(errs, sdk.ConfigError("command", "Wrong answer to the first line", fmt.Sprintf(detail, args...)))
	}
	if h.Protocol != 0 && h.Protocol != protocolVersion {
		wrong("The program speaks version %d of the protocol, this Caddy version %d.", h.Protocol, protocolVersion)
	}
	if h.MaxBatch < 0 || h.MaxBatch > maxMaxBatch {
		wrong("Its max_batch must be from 1 to %d.", maxMaxBatch)
	}
	if len(h.Wants) > maxNames || len(h.Settings) > maxNames {
		// Each of them could be wrong, and the host takes no answer without bound.
		wrong("It names %d types in wants and %d settings; at most %d of each.", len(h.Wants), len(h.Settings), maxNames)
		return errors.Join(errs...)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Settings)) {
		if !slices.Contains(settingTypes, h.Settings[name].Type) {
			wrong("It describes the setting %s with an unknown type; there are %s.", child.Printable([]byte(name), 64),
				strings.Join(settingTypes[:len(settingTypes)-1], ", "))
		}
	}
	return errors.Join(errs...)
}

func (h hello) settingNames() string {
	if len(h.Settings) == 0 {
		return "The program takes no settings."
	}
	names := strings.Join(slices.Sorted(maps.Keys(h.Settings)), ", ")
	return "The program takes: " + child.Printable([]byte(names), maxShown) + "."
}

// who names the program in the log.
func (h hello) who(command string) string {
	if h.Name == "" {
		return command
	}
	return child.Printable([]byte(strings.TrimSpace(h.Name+" "+h.Version)), 128)
}

// answer is a line that the program writes.
type answer struct {
	ID      *uint64  `json:"id"`
	Results []result `json:"results"`
}

// result is what became of one event.
type result struct {
	Result string `json:"result"`
	After  string `json:"after"`
	Reason string `json:"reason"`
	Error  string `json:"error"`
}

// outcome is the result in the SDK's words. What is wrong with it makes a retry that says so.
func (r result) outcome() error {
	said := errors.New(r.Error)
	if r.Error == "" {
		said = fmt.Errorf("the program answered %q and no error", r.Result)
	}
	switch r.Result {
	case "done":
		return nil
	case "retry":
		if r.After == "" {
			return sdk.Retry(0, said)
		}
		after, err := time.ParseDuration(r.After)
		if err != nil || after < 0 {
			return sdk.Retry(0, fmt.Errorf("%w (its after is not a duration such as \"30s\")", said))
		}
		return sdk.Retry(min(after, maxAfter), said)
	case "reject":
		return sdk.Reject(r.Reason, said)
	case "unavailable":
		return sdk.Unavailable(said)
	case "":
		return errors.New("the program answered without a result")
	}
	return fmt.Errorf("the program answered with the unknown result %q; there are done, retry, reject and unavailable",
		child.Printable([]byte(r.Result), 32))
}

// batchLine is the line of a batch.
func batchLine(id uint64, events []*sdk.Event, raw bool) ([]byte, error) {
	line := fmt.Appendf(nil, `{"id":%d,"events":[`, id)
	for i, e := range events {
		if i > 0 {
			line = append(line, ',')
		}
		longer, err := eventline.Append(line, e, eventline.Form{Raw: raw, Compact: true, ContentType: true})
		if err != nil {
			return nil, err
		}
		line = longer
	}
	return append(line, "]}\n"...), nil
}

var errResultForm = errors.New("the program's answer has results that are not of the protocol's form")

// parseAnswer reads a line of the program; false for one that is no answer. Of one that has only a good id, wrong is
// what is wrong with it.
func parseAnswer(line []byte) (a answer, ok bool, wrong error) {
	if json.Unmarshal(line, &a) == nil {
		return a, a.ID != nil, nil
	}
	var only struct {
		ID *uint64 `json:"id"`
	}
	if json.Unmarshal(line, &only) == nil && only.ID != nil {
		return answer{ID: only.ID}, true, errResultForm
	}
	return answer{}, false, nil
}
