package command

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/explain"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	caddysToken = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	firstToken  = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
	// quarantinedAs is the id of a request in the quarantine, with signedBody under firstToken.
	quarantinedAs = "019acf5d7a10-5f2c81d0"
	signedBody    = `{"eventId":"a9f3d2c1","eventType":"VEHICLE_STATE","data":{"n":17.5},"meta":{"mode":"LIVE"}}`
	reprintedNow  = `{"eventId": "a9f3d2c1", "eventType": "VEHICLE_STATE", "data": {"n": 17.5}, "meta": {"mode": "LIVE"}}`
)

// explainer answers as a running Caddy with one token does. It fails the test if it is sent a token.
func explainer(t *testing.T) string {
	t.Helper()
	ring := new(keyring.Ring)
	ring.Add("production", smartcar.NewKeys(caddysToken))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/smartcar/quarantine/"+quarantinedAs {
			_ = json.NewEncoder(w).Encode(api.QuarantinedDetail{
				Quarantined: api.Quarantined{ID: quarantinedAs, Source: "production"},
				Signature:   smartcar.Sign(firstToken, []byte(signedBody)), Body: []byte(signedBody),
			})
			return
		}
		text, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/smartcar/signature/explain" || bytes.Contains(text, []byte(firstToken)) {
			t.Errorf("%s: %v\n%s", r.URL.Path, err, text)
		}
		var asked api.SignatureQuestion
		if err := json.Unmarshal(text, &asked); err != nil {
			t.Error(err)
		}
		body, err := base64.StdEncoding.DecodeString(asked.Body)
		if err != nil {
			t.Error(err)
		}
		q := explain.Question{Source: asked.Source, Body: body, Signature: asked.Signature}
		e, err := explain.Explain(r.Context(), q, explain.Configured(ring, asked.Source))
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(e)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// inFile writes a file of its own folder.
func inFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSignatureExplain(t *testing.T) {
	at := explainer(t)
	nobody := filepath.Join(t.TempDir(), "nobody.sock")
	t.Setenv("CADDY_ADMIN", "unix/"+nobody)
	t.Setenv("FIRST_TOKEN", firstToken)
	sign := func(token, body string) string { return smartcar.Sign(token, []byte(body)) }
	first := inFile(t, "first.txt", firstToken+"\n")
	dump := "POST /webhooks/smartcar HTTP/1.1\r\nsc-signature: " + sign(caddysToken, signedBody) + "\r\n\r\n" + signedBody
	for name, tt := range map[string]struct {
		body, signature string
		args            []string
		want, err       string
	}{
		"right": {signedBody, sign(caddysToken, signedBody), []string{"--address", at}, "is right: it matches token 1 of production", ""},
		"of a source": {signedBody, sign(caddysToken, signedBody), []string{"--address", at, "--source", "production"},
			"sent to production", ""},
		"rewritten":  {reprintedNow, sign(caddysToken, signedBody), []string{"--address", at}, "as JavaScript's JSON.stringify prints it.", ""},
		"no match":   {signedBody, sign(firstToken, signedBody), []string{"--address", at}, "it is the token that differs", "no token matches"},
		"first file": {signedBody, sign(firstToken, signedBody), []string{"--address", at, "--token-file", first}, "No receiver of the running Caddy matches", ""},
		"first variable": {signedBody, sign(firstToken, signedBody), []string{"--address", at, "--token-env", "FIRST_TOKEN"},
			"matches the token of $FIRST_TOKEN over the body as it came", ""},
		"without Caddy":            {signedBody, sign(firstToken, signedBody), []string{"--token-file", first}, "The running Caddy was not asked", ""},
		"without Caddy and tokens": {signedBody, sign(firstToken, signedBody), nil, "", "no answer from Caddy's admin endpoint"},
		"without the Caddy that was named": {signedBody, sign(firstToken, signedBody), []string{"--token-file", first, "--address", "unix/" + nobody}, "",
			"`journalctl -u caddy`"},
		"malformed":         {signedBody, "abc", []string{"--address", at}, "it was cut off", "the header holds no signature"},
		"in the quarantine": {"", "", []string{"--address", at}, "sent to production", "no token matches"},
		"in the quarantine, with its token": {"", "", []string{"--address", at, "--token-file", first},
			"matches the token of " + first + " over the body as it came", ""},
		"a request":          {dump, "", []string{"--address", at}, "is right", ""},
		"JSON":               {signedBody, sign(caddysToken, signedBody), []string{"--address", at, "--json"}, `"verdict": "right"`, ""},
		"JSON with no match": {signedBody, sign(firstToken, signedBody), []string{"--address", at, "--json"}, `"verdict": "no_match"`, "no token matches"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"signature", "explain", "--body", inFile(t, "body.json", tt.body), "--signature", tt.signature}, tt.args...)
			if tt.body == "" {
				args = append([]string{"signature", "explain", quarantinedAs}, tt.args...)
			} else if tt.signature == "" {
				args = append([]string{"signature", "explain", "--request", inFile(t, "dump.txt", tt.body)}, tt.args...)
			}
			out, _, err := runIt(args...)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%v, want %q", err, tt.err)
			}
			if !strings.Contains(out, tt.want) {
				t.Errorf("%q is not in\n%s", tt.want, out)
			}
			for _, secret := range []string{caddysToken, firstToken, "a9f3d2c1", sign(caddysToken, signedBody)[:12], sign(firstToken, signedBody)[:12]} {
				if strings.Contains(out, secret) {
					t.Errorf("%q is in\n%s", secret, out)
				}
			}
		})
	}
}

// A body is taken from the standard input too.
func TestSignatureExplainReadsInput(t *testing.T) {
	root := smartcarCommand()
	var out bytes.Buffer
	root.SetArgs([]string{"signature", "explain", "--body", "-", "--signature", smartcar.Sign(caddysToken, []byte(signedBody)), "--address", explainer(t)})
	root.SetIn(strings.NewReader(signedBody))
	root.SetOut(&out)
	root.SetErr(&out)
	if err := root.Execute(); err != nil || !strings.Contains(out.String(), "is right") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// A token on the command line is refused, and not shown.
func TestSignatureExplainRefuses(t *testing.T) {
	t.Setenv("EMPTY_TOKEN", "")
	body := inFile(t, "body", signedBody)
	bare := strings.ReplaceAll(firstToken, "-", "")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"an argument":          {[]string{firstToken}, "never an argument"},
		"two ids":              {[]string{quarantinedAs, quarantinedAs}, "the only argument is an id"},
		"an id and a body":     {[]string{quarantinedAs, "--body", body}, "leave --body"},
		"a flag":               {[]string{"--token", firstToken, "--body", body, "--signature", "x"}, "there is no --token"},
		"in place of a file":   {[]string{"--token-file", firstToken}, "looks like a token"},
		"in place of a name":   {[]string{"--token-env", firstToken}, "no such name"},
		"the same, bare":       {[]string{"--token-env", bare}, "no such name"},
		"no body":              {[]string{"--signature", "x"}, "--body is missing"},
		"no signature":         {[]string{"--body", body}, "--signature is missing"},
		"a body and a request": {[]string{"--body", body, "--request", body}, "leave --body and --signature out"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := runIt(append([]string{"signature", "explain"}, tt.args...)...)
			if err == nil || err.Error() != "exiting with status 2" || !strings.Contains(out, tt.want) {
				t.Errorf("%v, want exit code 2 and %q\n%s", err, tt.want, out)
			}
			if strings.Contains(out, firstToken) || strings.Contains(out, bare) {
				t.Errorf("the token is in\n%s", out)
			}
		})
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"an empty variable":      {[]string{"--token-env", "EMPTY_TOKEN"}, "$EMPTY_TOKEN: holds no token"},
		"an empty file":          {[]string{"--token-file", inFile(t, "t", "\n")}, "holds no token"},
		"no such file":           {[]string{"--token-file", filepath.Join(t.TempDir(), "gone")}, "no such file"},
		"a file too large":       {[]string{"--token-file", inFile(t, "t", strings.Repeat("a", maxTokenFile+1))}, "has more than"},
		"a body too large":       {[]string{"--signature", "x", "--body", inFile(t, "b", strings.Repeat("a", explain.MaxBody+1))}, "has more than"},
		"a request without what": {[]string{"--request", inFile(t, "r", "POST / HTTP/1.1\n\n{}")}, "there is no header SC-Signature in it"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := runIt(append([]string{"signature", "explain"}, tt.args...)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q\n%s", err, tt.want, out)
			}
		})
	}
}

// A name from outside does not steer the terminal.
func TestSignaturePrintedIsClean(t *testing.T) {
	given, err := explain.Given("a\x1b[2J.txt", firstToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{firstToken, caddysToken} {
		q := explain.Question{Source: "b\x1b[2J", Body: []byte(signedBody), Signature: smartcar.Sign(token, []byte(signedBody))}
		e, err := explain.Explain(t.Context(), q, []explain.Tokens{given})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := terminal(&out).signature(e); err != nil || strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), "a?[2J.txt") {
			t.Errorf("%v\n%q", err, out.String())
		}
	}
}

// What is printed for people.
func TestSignaturePrinted(t *testing.T) {
	ring := new(keyring.Ring)
	ring.Add("production", smartcar.NewKeys(firstToken, caddysToken))
	given, err := explain.Given("first-token.txt", "a-token-of-another-application")
	if err != nil {
		t.Fatal(err)
	}
	tokens := append(explain.Configured(ring, "production"), given)
	for name, tt := range map[string]struct{ body, signature string }{
		"signature-right":     {signedBody, smartcar.Sign(caddysToken, []byte(signedBody))},
		"signature-changed":   {reprintedNow, "sha256=" + smartcar.Sign(caddysToken, []byte(signedBody))},
		"signature-given":     {signedBody, smartcar.Sign("a-token-of-another-application", []byte(signedBody))},
		"signature-no-match":  {signedBody, smartcar.Sign("nobody's-token", []byte(signedBody))},
		"signature-malformed": {signedBody, smartcar.Sign(caddysToken, []byte(signedBody))[:40]},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := explain.Explain(t.Context(), explain.Question{Source: "production", Body: []byte(tt.body), Signature: tt.signature}, tokens)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := terminal(&out).signature(e); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
		})
	}
}
