package jsonl

import (
	"encoding/json"
	"os"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/ownfile"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Exclusive returns what of a config no two handlers may share: the attribute path, and the file that it names by its
// absolute path; "" where it names none.
func Exclusive(config json.RawMessage) (attribute, file string) {
	return "path", ownfile.Path(config, "path")
}

// CheckFile looks whether the file that a config names can be appended to, and changes nothing: the file is not made,
// and a torn line in it stays. nil: it can, as far as that shows.
func CheckFile(config json.RawMessage) []sdk.Diagnostic {
	attribute, path := Exclusive(config)
	if path == "" {
		return nil
	}
	if err := ownfile.Check(path, os.O_APPEND); err != nil {
		return []sdk.Diagnostic{{Summary: "The file cannot be opened", Detail: err.Error(), Path: []string{attribute}}}
	}
	return nil
}
