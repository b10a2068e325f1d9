package http

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Target is where events are posted to: a URL, and the unix socket through which it is reached, "" for TCP.
type Target struct{ URL, UnixSocket string }

// Targets returns where a config has events posted to, none where it names nothing.
func Targets(config json.RawMessage) []Target {
	var c struct {
		URL        string            `json:"url"`
		UnixSocket string            `json:"unix_socket"`
		Paths      map[string]string `json:"paths"`
	}
	if json.Unmarshal(config, &c) != nil || c.URL == "" {
		return nil
	}
	a, _ := newAddresses(c.URL, c.Paths)
	targets := []Target{{URL: c.URL, UnixSocket: c.UnixSocket}}
	for _, eventType := range slices.Sorted(maps.Keys(a.byType)) {
		targets = append(targets, Target{URL: a.byType[eventType], UnixSocket: c.UnixSocket})
	}
	return targets
}

// CheckFiles returns what is wrong, or odd, with the files that a config's block tls names.
func CheckFiles(config json.RawMessage) []sdk.Diagnostic {
	var c struct {
		TLS *struct {
			CAFile   string `json:"ca_file"`
			CertFile string `json:"cert_file"`
			KeyFile  string `json:"key_file"`
		} `json:"tls"`
	}
	if json.Unmarshal(config, &c) != nil || c.TLS == nil {
		return nil
	}
	files := tlsFiles{CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile}
	m, wrong := files.read()
	var diags []sdk.Diagnostic
	for _, w := range wrong {
		diags = append(diags, w.diagnostic())
	}
	for _, r := range m.remarks() {
		d := r.diagnostic()
		d.Warning = true
		diags = append(diags, d)
	}
	return diags
}

func (r remark) diagnostic() sdk.Diagnostic {
	return sdk.Diagnostic{Summary: r.summary, Detail: r.detail, Path: []string{"tls", r.attribute}}
}
