package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// adminFlags are how each command that talks to the running Caddy is told where it is.
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
func (f *adminFlags) client() (*adminClient, error) {
	if f.address != "" {
		address, err := plainAddress(f.address)
		return &adminClient{address: address}, err
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
			return nil, fmt.Errorf("%s has `admin off`: a Caddy with this config has no admin endpoint, and these commands need one.\n"+
				"A socket that only root and Caddy can open is safe: admin unix//run/caddy/admin.sock", f.config)
		}
	}
	address, err := caddycmd.DetermineAdminAPIAddress("", config, f.config, f.adapter)
	if err != nil {
		return nil, fmt.Errorf("finding Caddy's admin endpoint: %w", err)
	}
	return &adminClient{address: address}, nil
}

// plainAddress takes what people write before and behind an address off.
func plainAddress(address string) (string, error) {
	if strings.HasPrefix(address, "https://") {
		return "", fmt.Errorf("--address %s: the admin endpoint is not asked over HTTPS; write it as in Caddy's config, such as localhost:2019", address)
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
	if base := filepath.Base(f.config); adapter == "" && (strings.HasPrefix(base, "Caddyfile") || strings.HasSuffix(base, ".caddyfile")) {
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

// adminClient talks to the running Caddy.
type adminClient struct{ address string }

// adminRefusal is an answer with an error.
type adminRefusal struct {
	status  int
	message string
}

func (e *adminRefusal) Error() string { return e.message }

// notFound says whether an error is an answer that there is no such thing.
func notFound(err error) bool {
	refused, ok := errors.AsType[*adminRefusal](err)
	return ok && refused.status == http.StatusNotFound
}

// call asks for path below /smartcar/, and decodes the answer into answer. It returns
// the answer's bytes as they came.
func (c *adminClient) call(method, path string, query url.Values, order, answer any) ([]byte, error) {
	uri := adminPrefix + path
	if len(query) > 0 {
		uri += "?" + query.Encode()
	}
	var body io.Reader
	if order != nil {
		data, err := json.Marshal(order)
		if err != nil {
			return nil, fmt.Errorf("encoding the order: %w", err)
		}
		body = bytes.NewReader(data)
	}
	// Each call makes a client of its own, which would keep its connection.
	headers := http.Header{"Connection": {"close"}}
	resp, err := caddycmd.AdminAPIRequest(c.address, method, uri, headers, body)
	if err != nil {
		return nil, c.explain(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.address, err)
	}
	if !json.Valid(raw) {
		return nil, c.stranger()
	}
	if answer == nil {
		return raw, nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return nil, c.stranger()
	}
	return raw, nil
}

// answered is how AdminAPIRequest tells of an answer with an error.
var answered = regexp.MustCompile(`(?s)^caddy responded with error: HTTP (\d{3}): (.*)$`)

// explain says what went wrong and what to do.
func (c *adminClient) explain(err error) error {
	m := answered.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("no answer from Caddy's admin endpoint at %s: %w\n"+
			"Is Caddy running on this machine, as a user whose endpoint you may use? Name the endpoint with --address, or the config\n"+
			"that Caddy runs with --config; a config with `admin off` has none, and these commands need one", c.address, err)
	}
	status, _ := strconv.Atoi(m[1])
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(m[2]), &said) == nil && said.Error != "" {
		return &adminRefusal{status, said.Error}
	}
	return &adminRefusal{status, c.stranger().Error()}
}

// stranger says that what answers is something else.
func (c *adminClient) stranger() error {
	return fmt.Errorf("there is no Caddy admin endpoint with this module at %s: what answers there is another program, another Caddy,"+
		" or one of Caddy's sites. Name the endpoint with --address, or the config that Caddy runs with --config", c.address)
}
