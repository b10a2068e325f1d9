package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// adminFlags are how each command that talks to the running Caddy learns where it is.
type adminFlags struct {
	address, config, adapter string
	timeout                  time.Duration
	json                     bool
}

// longTimeout is for calls that wait for deliveries, or that look at all that is stored.
const longTimeout = 10 * time.Minute

func (f *adminFlags) register(cmd *cobra.Command) { f.registerWith(cmd, api.DefaultTimeout) }

// registerWith is register for a command that may take longer.
func (f *adminFlags) registerWith(cmd *cobra.Command, timeout time.Duration) {
	f.registerCaddy(cmd, timeout)
	cmd.Flags().BoolVar(&f.json, "json", false, "print the answer of the admin API as it is")
}

// registerCaddy is for a command whose output is no answer of the admin API.
func (f *adminFlags) registerCaddy(cmd *cobra.Command, timeout time.Duration) {
	flags := cmd.Flags()
	flags.StringVar(&f.address, "address", "", "where the running Caddy's admin endpoint listens, as in its config")
	flags.StringVarP(&f.config, "config", "c", "", "the config file of the running Caddy, to learn that from")
	flags.StringVarP(&f.adapter, "adapter", "a", "", "the adapter to read --config with, where its name does not tell")
	flags.DurationVar(&f.timeout, "timeout", timeout, "the longest wait for an answer of the running Caddy")
}

// client finds out where the admin endpoint is.
func (f *adminFlags) client() (*api.Client, error) {
	if f.timeout <= 0 {
		return nil, misusedf("--timeout %s: must be more than 0, such as 30s", f.timeout)
	}
	address, err := f.find()
	if err != nil {
		return nil, err
	}
	return &api.Client{Address: address, Timeout: f.timeout}, nil
}

func (f *adminFlags) find() (string, error) {
	if f.address != "" {
		return givenAddress(f.address)
	}
	if f.config == "" {
		return defaultAddress(usualSocket, os.LookupEnv)
	}
	config, err := f.load()
	if err != nil {
		return "", fmt.Errorf("reading --config: %w", err)
	}
	var known struct {
		Admin struct {
			Disabled bool `json:"disabled"`
		} `json:"admin"`
	}
	if json.Unmarshal(config, &known) == nil && known.Admin.Disabled {
		return "", fmt.Errorf("%s has `admin off`:"+
			" a Caddy with this config has no admin endpoint, and these commands need one.\n"+
			"A socket that only root and Caddy can open is safe: admin unix//run/caddy/admin.sock", f.config)
	}
	address, err := caddycmd.DetermineAdminAPIAddress("", config, f.config, f.adapter)
	if err != nil {
		return "", fmt.Errorf("finding Caddy's admin endpoint: %w", err)
	}
	return checkAddress(address)
}

// load returns the config as JSON.
func (f *adminFlags) load() ([]byte, error) {
	config, _, err := readConfig(f.config, f.adapter)
	return config, err
}

// readConfig returns a config file as JSON, with its adapter's warnings. What Caddy's own loader would do
// is done here where that is simple: it logs lines above the answer.
func readConfig(file, adapter string) ([]byte, []caddyconfig.Warning, error) {
	given, base := adapter, filepath.Base(file)
	if adapter == "" && (strings.HasPrefix(base, "Caddyfile") || strings.HasSuffix(base, ".caddyfile")) {
		adapter = "caddyfile"
	}
	found := caddyconfig.GetAdapter(adapter)
	if found == nil {
		config, _, _, err := caddycmd.LoadConfig(file, given)
		return config, nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	return found.Adapt(text, map[string]any{"filename": file})
}
