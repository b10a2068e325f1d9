package http

import "encoding/json"

// Target returns the URL that a config names, "" where it names none.
func Target(config json.RawMessage) string {
	var c struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(config, &c) != nil {
		return ""
	}
	return c.URL
}
