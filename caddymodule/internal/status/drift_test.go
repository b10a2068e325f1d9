package status

import (
	"io/fs"
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/drift"
)

func TestDriftNotices(t *testing.T) {
	var got []string
	for _, n := range DriftNotices([]drift.Change{
		{Path: "/etc/caddy/handlers.hcl", Role: drift.Handlers, State: drift.Changed},
		{Path: "/etc/caddy/more.hcl", Role: drift.Handlers, State: drift.New},
		{Path: "/run/secrets/smartcar", Role: drift.Token, State: drift.Gone},
		{Path: "/run/secrets/old", Role: drift.Token, State: drift.Unreadable, Err: fs.ErrPermission},
	}) {
		got = append(got, n.What+": "+n.Do)
	}
	want := []string{
		"handlers file /etc/caddy/handlers.hcl has changed since it was loaded: to take it, caddy reload --force",
		"handlers file /etc/caddy/more.hcl has come since the others were loaded: to take it, caddy reload --force",
		"token file /run/secrets/smartcar is gone since it was loaded: put it right: until then a reload is refused",
		"token file /run/secrets/old can no longer be read: permission denied: put it right: until then a reload is refused",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
