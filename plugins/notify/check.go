package notify

import (
	"encoding/json"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/ownfile"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Exclusive returns what of a config no two handlers may share: the attribute state, and the file that it names by its
// absolute path; "" where it names none.
func Exclusive(config json.RawMessage) (attribute, file string) {
	return "state", ownfile.Path(config, "state")
}

// CheckFile looks whether the state file that a config names can be there, and changes nothing. nil: it can, as far as
// that shows.
func CheckFile(config json.RawMessage) []sdk.Diagnostic {
	attribute, path := Exclusive(config)
	if path == "" {
		return nil
	}
	if err := ownfile.Check(path, 0); err != nil {
		return []sdk.Diagnostic{{
			Summary: "The state file cannot be opened", Detail: err.Error(), Path: []string{attribute},
		}}
	}
	return nil
}
