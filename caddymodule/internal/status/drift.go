package status

import (
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/drift"
)

// DriftNotices are about files that differ from what runs. It goes on to run as it was loaded.
func DriftNotices(changes []drift.Change) []api.Notice {
	var list []api.Notice
	for _, c := range changes {
		what := "handlers file " + c.Path
		if c.Role == drift.Token {
			what = "token file " + c.Path
		}
		n := api.Notice{Do: "put it right: until then a reload is refused"}
		switch c.State {
		case drift.Changed:
			n.What = what + " has changed since it was loaded"
			n.Do = "to take it, caddy reload --force"
		case drift.New:
			n.What = what + " has come since the others were loaded"
			n.Do = "to take it, caddy reload --force"
		case drift.Gone:
			n.What = what + " is gone since it was loaded"
		case drift.Unreadable:
			n.What = fmt.Sprintf("%s can no longer be read: %v", what, c.Err)
		}
		list = append(list, n)
	}
	return list
}
