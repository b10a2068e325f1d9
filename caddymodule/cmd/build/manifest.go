package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// manifest is the part of xcaddy's Builder that this project uses, in the same JSON shape, so that a program that links
// xcaddy can decode the file.
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

// xcaddyArgs is the command line that does what the manifest says. A plugin that a replacement names with its version
// becomes `--with path@version=folder`, which is how xcaddy's own command line writes the two.
func (m manifest) xcaddyArgs(output string) []string {
	args := []string{"build", m.CaddyVersion}
	folders := map[string]string{}
	for _, r := range m.Replacements {
		folders[r.Old] = r.New
	}
	for _, p := range m.Plugins {
		with := p.String()
		if folder, ok := folders[with]; ok {
			delete(folders, with)
			with += "=" + folder
		}
		args = append(args, "--with", with)
	}
	for _, r := range m.Replacements {
		if _, left := folders[r.Old]; left {
			args = append(args, "--replace", r.Old+"="+r.New)
		}
	}
	return append(args, "--output", output)
}

// String is the plugin as `go get` and `go mod edit -replace` take it.
func (d dependency) String() string {
	if d.Version == "" {
		return d.ModulePath
	}
	return d.ModulePath + "@" + d.Version
}
