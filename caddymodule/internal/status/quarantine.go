package status

import (
	"fmt"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// AddQuarantine adds to a status what is kept of refused requests.
func AddQuarantine(v *api.Status, s quarantine.Summary) {
	v.Quarantine = api.Quarantine{
		On: s.On, Kept: s.Kept, Bytes: s.Bytes, Releasable: s.Releasable, Checking: s.Checking, Written: s.Written,
		WrittenBytes: s.WrittenBytes, Released: s.Released, Removed: s.Removed, Dropped: map[string]uint64{},
	}
	for reason, n := range s.Dropped {
		if n > 0 {
			v.Quarantine.Dropped[reason.String()] = n
		}
	}
	adviseKeeping(v)
	if s.Failing != nil {
		v.Quarantine.Failing = s.Failing.Error()
		v.Notices = append(v.Notices, api.Notice{
			What: "refused requests are not kept: " + text.FirstLine(s.Failing.Error()),
			Do:   "receiving goes on as before; see to the disk if they are wanted",
		})
	}
	if s.Releasable == 0 {
		return
	}
	list, release := "caddy smartcar quarantine", "caddy smartcar quarantine release --all"
	verify, them := "verify", "them"
	if s.Releasable == 1 {
		verify, them = "verifies", "it"
	}
	v.Attention = append(v.Attention, api.Attention{
		Kind: api.QuarantineReleasable, Level: api.LevelWarning, Commands: []string{release, list},
		What: fmt.Sprintf("%s in the quarantine %s with the present tokens: no handler has had %s",
			text.Plural(uint64(s.Releasable), "refused event"), verify, them),
		Do: "release what verifies: " + release + "; look before: " + list,
	})
	v.Healthy = false
}

// adviseKeeping says, where events are refused for their signature, that they can be kept, or that they are.
func adviseKeeping(v *api.Status) {
	for i := range v.Attention {
		a := &v.Attention[i]
		switch {
		case !isOfSignature(v, a):
		case v.Quarantine.Kept > 0:
			list := "caddy smartcar quarantine"
			a.Do += "; which one fits: " + list + ", signature explain ID"
			a.Commands = append(a.Commands, list)
		case v.Quarantine.On:
			a.Do += "; caddy smartcar signature explain says which one fits"
		default:
			a.Do += "; switch on quarantine first, as what is refused is lost"
		}
	}
}

// isOfSignature reports whether something is about events that no token matches.
func isOfSignature(v *api.Status, a *api.Attention) bool {
	if a.Kind != api.EventsRefused {
		return a.Kind == api.LiveRefused
	}
	return slices.ContainsFunc(v.Sources, func(s api.Source) bool {
		return s.Name == a.Source && s.LastRefusal == "signature_mismatch"
	})
}
