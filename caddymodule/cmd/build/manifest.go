package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// manifest is the part of xcaddy's Builder that this project uses, in the same
// JSON shape, so that a program which links xcaddy can decode the file as it is.
type manifest struct {
	CaddyVersion string        `json:"caddy_version"`
	Plugins      []dependency  `json:"plugins"`
	Replacements []replacement `json:"replacements,omitempty"`
}

type dependency struct {
	ModulePath string `json:"module_path"`
	Version    string `json:"version,omitempty"`
}

type replacement struct {
	Old string `json:"old"`
	New string `json:"new"`
}

func readManifest(path string) (manifest, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return manifest{}, fmt.Errorf("reading the build manifest: %w (run this from the root of the checkout)", err)
	}
	var m manifest
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return manifest{}, fmt.Errorf("decoding %s: %w", path, err)
	}
	if m.CaddyVersion == "" || len(m.Plugins) == 0 {
		return manifest{}, fmt.Errorf("%s names no caddy_version or no plugins", path)
	}
	return m, nil
}

// xcaddyArgs is the command line that does what the manifest says.
func (m manifest) xcaddyArgs(output string) []string {
	args := []string{"build", m.CaddyVersion}
	for _, p := range m.Plugins {
		with := p.ModulePath
		if p.Version != "" {
			with += "@" + p.Version
		}
		args = append(args, "--with", with)
	}
	for _, r := range m.Replacements {
		args = append(args, "--replace", r.Old+"="+r.New)
	}
	return append(args, "--output", output)
}
