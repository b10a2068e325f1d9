package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// adminFlags are how each command that talks to the running Caddy learns where it is.
type adminFlags struct {
	address, config, adapter string
	json                     bool
}

func (f *adminFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.address, "address", "", "where the running Caddy's admin endpoint listens, as in its config")
	flags.StringVarP(&f.config, "config", "c", "", "the config file of the running Caddy, to learn that from")
	flags.StringVarP(&f.adapter, "adapter", "a", "", "the adapter to read --config with, where its name does not tell")
	flags.BoolVar(&f.json, "json", false, "print the answer of the admin API as it is")
}

// client finds out where the admin endpoint is.
func (f *adminFlags) client() (*api.Client, error) {
	if f.address != "" {
		address, err := plainAddress(f.address)
		return &api.Client{Address: address}, err
	}
	var config []byte
	if f.config != "" {
		var err error
		if config, err = f.load(); err != nil {
			return nil, fmt.Errorf("reading --config: %w", err)
		}
		var known struct {
			Admin struct {
				Disabled bool `json:"disabled"`
			} `json:"admin"`
		}
		if json.Unmarshal(config, &known) == nil && known.Admin.Disabled {
			return nil, fmt.Errorf("%s has `admin off`:"+
				" a Caddy with this config has no admin endpoint, and these commands need one.\n"+
				"A socket that only root and Caddy can open is safe: admin unix//run/caddy/admin.sock", f.config)
		}
	}
	address, err := caddycmd.DetermineAdminAPIAddress("", config, f.config, f.adapter)
	if err != nil {
		return nil, fmt.Errorf("finding Caddy's admin endpoint: %w", err)
	}
	return &api.Client{Address: address}, nil
}

// plainAddress strips a scheme and a path from an address.
func plainAddress(address string) (string, error) {
	if strings.HasPrefix(address, "https://") {
		return "", fmt.Errorf("--address %s: the admin endpoint is not asked over HTTPS;"+
			" write it as in Caddy's config, such as localhost:2019", address)
	}
	if rest, ok := strings.CutPrefix(address, "http://"); ok {
		address, _, _ = strings.Cut(rest, "/")
	}
	return address, nil
}

// load returns the config as JSON. What Caddy's own loader would do is done here where
// that is simple: it logs lines above the answer.
func (f *adminFlags) load() ([]byte, error) {
	adapter := f.adapter
	base := filepath.Base(f.config)
	if adapter == "" && (strings.HasPrefix(base, "Caddyfile") || strings.HasSuffix(base, ".caddyfile")) {
		adapter = "caddyfile"
	}
	found := caddyconfig.GetAdapter(adapter)
	if found == nil {
		config, _, _, err := caddycmd.LoadConfig(f.config, f.adapter)
		return config, err
	}
	text, err := os.ReadFile(f.config)
	if err != nil {
		return nil, err
	}
	config, _, err := found.Adapt(text, map[string]any{"filename": f.config})
	return config, err
}
