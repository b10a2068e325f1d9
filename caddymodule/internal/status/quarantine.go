package status

import (
	"fmt"

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
	verify := "verify"
	if s.Releasable == 1 {
		verify = "verifies"
	}
	v.Attention = append(v.Attention, api.Attention{
		Kind: api.QuarantineReleasable, Level: api.LevelWarning, Commands: []string{release, list},
		What: fmt.Sprintf("%s in the quarantine %s with the present tokens: no handler has had it",
			text.Plural(uint64(s.Releasable), "refused event"), verify),
		Do: "release what verifies: " + release + "; look before: " + list,
	})
	v.Healthy = false
}
