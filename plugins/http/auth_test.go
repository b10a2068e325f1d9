package http

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const appToken = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"

// What an application verifies with a token of its own, also a body from which stale signals were dropped.
func TestSignsAnew(t *testing.T) {
	for name, tt := range map[string]struct {
		token     any
		signature string // of the event
		want      string
	}{
		"Smartcar's":        {nil, "of Smartcar", "of Smartcar"},
		"anew":              {appToken, "of Smartcar", smartcar.Sign(appToken, []byte(`{"a": 1}`))},
		"of a changed body": {appToken, "", smartcar.Sign(appToken, []byte(`{"a": 1}`))},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Values(headerSignature) })
			config := sdktest.Config{"url": s.URL}
			if tt.token != nil {
				config["sign_token"] = tt.token
			}
			host := sdktest.Start(t, Plugin(), config)
			e := &sdk.Event{ID: "e", Payload: []byte(`{"a": 1}`), Signature: tt.signature}
			if r := host.Handle(t.Context(), e)[0]; r.Status != sdk.StatusDone {
				t.Fatalf("%+v", r)
			}
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuthorizes(t *testing.T) {
	basic := sdktest.Config{"username": "edge", "password": "pass: ä"}
	for name, tt := range map[string]struct {
		config     sdktest.Config
		user, pass string
		want       string // of the header, where it is not basic
	}{
		"neither": {sdktest.Config{}, "", "", ""},
		"basic":   {sdktest.Config{"basic_auth": basic}, "edge", "pass: ä", ""},
		"bearer":  {sdktest.Config{"bearer_token": "a.b-c~1/+="}, "", "", "Bearer a.b-c~1/+="},
		"headers": {sdktest.Config{"headers": sdktest.Config{"authorization": "Token x"}}, "", "", "Token x"},
	} {
		t.Run(name, func(t *testing.T) {
			var user, pass, got string
			var isBasic bool
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				user, pass, isBasic = r.BasicAuth()
				got = r.Header.Get("Authorization")
			})
			tt.config["url"] = s.URL
			host := sdktest.Start(t, Plugin(), tt.config)
			if r := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]; r.Status != sdk.StatusDone {
				t.Fatalf("%+v", r)
			}
			if user != tt.user || pass != tt.pass || !isBasic && got != tt.want {
				t.Errorf("user %q, password %q, header %q", user, pass, got)
			}
		})
	}
}

// Values that cannot be used are errors that do not show them.
func TestAuthMistakes(t *testing.T) {
	basic := func(user, password string) sdktest.Config {
		return sdktest.Config{"basic_auth": sdktest.Config{"username": user, "password": password}}
	}
	for name, tt := range map[string]struct {
		config sdktest.Config
		want   string
	}{
		"short token":      {sdktest.Config{"sign_token": "hunter2"}, "sign_token: Not a token: The token is too short"},
		"empty token":      {sdktest.Config{"sign_token": ""}, "sign_token: Not a token: The token is empty"},
		"blank in a token": {sdktest.Config{"sign_token": "hunter2 " + appToken}, "sign_token: Not a token: The token contains a blank"},
		"colon in a user":  {basic("hunter2:", "p"), "basic_auth.username: Not a user name"},
		"no user":          {basic("", "hunter2"), "basic_auth.username: Empty username"},
		"no password":      {basic("hunter2", ""), "basic_auth.password: Empty password"},
		"line break":       {basic("u", "hunter2\n"), "basic_auth.password: Not a password"},
		"empty bearer":     {sdktest.Config{"bearer_token": ""}, "bearer_token: Empty token"},
		"blank in bearer":  {sdktest.Config{"bearer_token": "Bearer hunter2"}, `Leave out "Bearer"`},
		"letters":          {sdktest.Config{"bearer_token": "hunter2ä"}, "bearer_token: Not a bearer token"},
		"both": {sdktest.Config{"bearer_token": "hunter2", "basic_auth": sdktest.Config{"username": "hunter2", "password": "hunter2"}},
			"basic_auth: Two kinds of authorization"},
		"bearer and a header": {sdktest.Config{"bearer_token": "hunter2", "headers": sdktest.Config{"authorization": "hunter2"}},
			"headers: Two kinds of authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.config["url"] = "http://127.0.0.1"
			_, err := sdktest.Open(t, Plugin(), tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// Whatever may hold a secret is marked as such, so that no message shows its line.
func TestSecretsAreSensitive(t *testing.T) {
	sensitive := map[string]bool{}
	schema := Plugin().Schema()
	for _, a := range schema.Attributes {
		sensitive[a.Name] = a.Sensitive
	}
	for _, b := range schema.Blocks {
		for _, a := range b.Schema.Attributes {
			sensitive[b.Name+"."+a.Name] = a.Sensitive
		}
	}
	for _, name := range []string{"sign_token", "bearer_token", "headers", "basic_auth.username", "basic_auth.password"} {
		if !sensitive[name] {
			t.Errorf("%s is not sensitive", name)
		}
	}
}
