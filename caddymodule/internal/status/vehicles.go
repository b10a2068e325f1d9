package status

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
)

// SilenceAlerts say which silence needs attention.
type SilenceAlerts struct {
	// Sources are those of the config in force.
	Sources []string
	// SourceSilent is how long a source may be silent; 0: for ever. Usual: it is the default, and so only for sources
	// with a fleet.
	SourceSilent time.Duration
	Usual        bool
	// SilentShare is the share of a source's vehicles that may be silent; 0: all.
	SilentShare float64
}

const (
	// fleet is how many vehicles a source must have before its silence, or that of a share of them, says anything.
	fleet = 10
	// settled is how long this process must run before a source is called silent: after a stop it takes a while until
	// the first event comes.
	settled = time.Hour
)

// AddVehicles adds what is known of vehicles to a status.
func AddVehicles(v *api.Status, s vehicles.Summary, alerts SilenceAlerts) {
	v.Vehicles = viewVehicles(&s)
	if s.State == vehicles.StateFailed {
		v.Notices = append(v.Notices, api.Notice{
			What: "nothing is known of vehicles: " + text.FirstLine(s.Err.Error()),
			Do:   "see to the disk; it is tried again each half minute, and nothing else is touched by it",
		})
	}
	if !v.Receiving.Healthy {
		return // that is why nothing comes
	}
	for i := range s.Sources {
		v.Attention = append(v.Attention, alerts.attention(v, &s.Sources[i], s.SilentAfter)...)
	}
	v.Healthy = len(v.Attention) == 0
}

func viewVehicles(s *vehicles.Summary) *api.Vehicles {
	v := &api.Vehicles{
		State: string(s.State), Behind: s.Behind, CountedAt: api.UTC(s.At), SilentAfter: api.Seconds(s.SilentAfter),
		Sources: []api.VehicleCounts{}, Errors: []api.VehicleErrCount{},
	}
	if s.Err != nil {
		v.Why = s.Err.Error()
	}
	for _, c := range s.Sources {
		v.Sources = append(v.Sources, api.VehicleCounts{
			Source: c.Source, Vehicles: c.Vehicles, InError: c.InError, Silent: c.Silent,
			Lately: c.Lately, LatelySilent: c.LatelySilent, LastEventAt: api.UTC(c.LastEvent),
		})
	}
	for _, t := range s.Told {
		v.Errors = append(v.Errors, api.VehicleErrCount{
			Source: t.Source, Type: t.Type, Code: t.Code, State: t.State, Count: t.Count,
		})
	}
	return v
}

// attention is about a source that is silent, or many of whose vehicles are.
func (a SilenceAlerts) attention(v *api.Status, c *vehicles.SourceSummary, silentAfter time.Duration) []api.Attention {
	if !slices.Contains(a.Sources, c.Source) {
		return nil // no receiver has it any more
	}
	last := c.LastEvent
	for i := range v.Sources {
		if v.Sources[i].Name == c.Source && v.Sources[i].LastStored.After(last) {
			last = v.Sources[i].LastStored
		}
	}
	silent := v.At.Sub(last)
	isSilent := a.SourceSilent > 0 && silent > a.SourceSilent && v.At.Sub(v.Since) > settled
	if isSilent && (!a.Usual || c.Vehicles >= fleet) {
		send := "caddy smartcar send"
		return []api.Attention{{
			Kind: api.SourceSilent, Source: c.Source, Level: api.LevelWarning,
			What: fmt.Sprintf("%s: no event has come for %s, of any of %s",
				c.Source, text.Duration(silent), text.Plural(uint64(c.Vehicles), "vehicle")),
			Do: "see in Smartcar's dashboard whether the webhook is enabled and its URL is right; from outside, " + send +
				" says whether that URL is reached", Commands: []string{send},
		}}
	}
	if a.SilentShare <= 0 || c.Lately < fleet || float64(c.LatelySilent) < a.SilentShare*float64(c.Lately) {
		return nil
	}
	list := "caddy smartcar vehicles --source " + c.Source + " --silent " + short(silentAfter)
	return []api.Attention{{
		Kind: api.VehiclesSilent, Source: c.Source, Level: api.LevelWarning,
		What: fmt.Sprintf("%s: nothing was heard for %s of %s of the %s of the last week", c.Source, short(silentAfter),
			text.Count(c.LatelySilent), text.Plural(uint64(c.Lately), "vehicle")),
		Do: "see which: " + list, Commands: []string{list},
	}}
}

// short is a duration as an operator writes it.
func short(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return d.String()
}
