package http

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// basicAuth is the block basic_auth.
type basicAuth struct {
	Username string `config:"username,sensitive" doc:"The user name."`
	Password string `config:"password,sensitive" doc:"The password."`
}

// Validate never repeats a value. RFC 7617 allows neither control characters nor, in the user name, a colon.
func (a basicAuth) Validate() error {
	var errs []error
	if strings.Contains(a.Username, ":") {
		errs = append(errs, sdk.ConfigError("username", "Not a user name", "It has a colon, which would end it."))
	}
	for name, value := range map[string]string{"username": a.Username, "password": a.Password} {
		switch {
		case value == "":
			errs = append(errs, sdk.ConfigError(name, "Empty "+name, "Check the variable that it comes from."))
		case strings.ContainsFunc(value, isControl):
			errs = append(errs, sdk.ConfigError(name, "Not a "+name,
				"It has a control character, such as a line break at its end."))
		}
	}
	return errors.Join(errs...)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// checkAuth refuses a bearer token that cannot be one, and two sources of one header.
func (c config) checkAuth() error {
	var errs []error
	if c.BearerToken != nil {
		switch token := *c.BearerToken; {
		case token == "":
			errs = append(errs, sdk.ConfigError("bearer_token", "Empty token", "Check the variable that it comes from."))
		case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
			errs = append(errs, sdk.ConfigError("bearer_token", "Not a bearer token", "It has a blank, a line break or another"+
				" character that no token may have. Leave out \"Bearer\": the plugin writes it."))
		}
	}
	if c.BearerToken != nil && c.BasicAuth != nil {
		errs = append(errs, sdk.ConfigError("basic_auth", "Two kinds of authorization",
			"A request has one header Authorization: leave out basic_auth or bearer_token."))
	}
	for name := range c.Headers {
		if http.CanonicalHeaderKey(name) == "Authorization" && (c.BearerToken != nil || c.BasicAuth != nil) {
			errs = append(errs, sdk.ConfigError("headers", "Two kinds of authorization",
				"basic_auth and bearer_token set the header Authorization: leave it out of headers, or leave them out."))
		}
	}
	return errors.Join(errs...)
}

// authorization is the value of the header Authorization by basic_auth or bearer_token, "" without them.
func (c config) authorization() string {
	switch {
	case c.BasicAuth != nil:
		pair := c.BasicAuth.Username + ":" + c.BasicAuth.Password
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	case c.BearerToken != nil:
		return "Bearer " + *c.BearerToken
	}
	return ""
}
