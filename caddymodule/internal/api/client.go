package api

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

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// Prefix is where the admin API lies on Caddy's admin endpoint.
const Prefix = "/smartcar/"

// Client talks to the running Caddy.
type Client struct{ Address string }

// Refusal is an answer with an error.
type Refusal struct {
	status  int
	message string
}

func (e *Refusal) Error() string { return e.message }

// IsNotFound reports whether an error is an answer that there is no such thing.
func IsNotFound(err error) bool {
	refused, ok := errors.AsType[*Refusal](err)
	return ok && refused.status == http.StatusNotFound
}

// Call asks for path below /smartcar/, and decodes the answer into answer. It returns
// the answer's bytes as they came.
func (c *Client) Call(method, path string, query url.Values, order, answer any) ([]byte, error) {
	uri := Prefix + path
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
	resp, err := caddycmd.AdminAPIRequest(c.Address, method, uri, headers, body)
	if err != nil {
		return nil, c.explain(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.Address, err)
	}
	if !json.Valid(raw) {
		return nil, c.notOurs()
	}
	if answer == nil {
		return raw, nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return nil, c.notOurs()
	}
	return raw, nil
}

// errorAnswer is the text of AdminAPIRequest's error for an answer with an error.
var errorAnswer = regexp.MustCompile(`(?s)^caddy responded with error: HTTP (\d{3}): (.*)$`)

// explain says what went wrong and what to do.
func (c *Client) explain(err error) error {
	m := errorAnswer.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("no answer from Caddy's admin endpoint at %s: %w\n"+
			"Is Caddy running on this machine, as a user whose endpoint you may use? Name the endpoint with --address, or\n"+
			"the config that Caddy runs with --config; a config with `admin off` has none, and these commands need one", c.Address, err)
	}
	status, _ := strconv.Atoi(m[1])
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(m[2]), &said) == nil && said.Error != "" {
		return &Refusal{status, said.Error}
	}
	return &Refusal{status, c.notOurs().Error()}
}

// notOurs is the error for an answer that comes from something else.
func (c *Client) notOurs() error {
	return fmt.Errorf("there is no Caddy admin endpoint with this module at %s:"+
		" what answers there is another program, another Caddy, or one of Caddy's sites. Name the endpoint with --address, or the config that Caddy runs with --config", c.Address)
}
