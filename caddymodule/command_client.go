package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

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
	address, err := caddycmd.DetermineAdminAPIAddress(f.address, nil, f.config, f.adapter)
	if err != nil {
		return nil, fmt.Errorf("finding Caddy's admin endpoint: %w", err)
	}
	return &adminClient{address: address}, nil
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
	if answer == nil {
		return raw, nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.address, err)
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
			"that Caddy runs with --config. A config with `admin off` has none, and these commands need one.", c.address, err)
	}
	status, _ := strconv.Atoi(m[1])
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(m[2]), &said) == nil && said.Error != "" {
		return &adminRefusal{status, said.Error}
	}
	if status == http.StatusNotFound {
		return &adminRefusal{status, fmt.Sprintf("the Caddy at %s does not have this module: is another Caddy running there?", c.address)}
	}
	return &adminRefusal{status, fmt.Sprintf("Caddy at %s answered %d: %s", c.address, status, strings.TrimSpace(m[2]))}
}
