package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// vector is one line of the table of exact signatures.
type vector struct {
	Name, Key, Body, HMACHex string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "sdk", "smartcar", "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 17 {
		t.Fatalf("only %d vectors", len(list))
	}
	return list
}

// Every vector's signature is taken for its bytes, and for no other. What becomes of
// it then depends on what the bytes are.
func TestVectors(t *testing.T) {
	e := startEdge(t, edgeConfig{})
	wantEvents, wantLetters := make(map[string]bool), make(map[string]bool)
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			if len(v.Key) < 16 {
				// No receiver can have such a token.
				checkTokenRefused(t, e, v.Key)
				return
			}
			p := webhook{body: v.Body, signatures: []string{v.HMACHex}, status: http.StatusOK}
			switch v.Name {
			case "own-challenge", "own-challenge-newkey":
				// The answer to a challenge is a signature of these very bytes.
				p.status, p.code = http.StatusUnauthorized, "body_is_challenge"
			case "own-verify4-body":
				p.answer = `{"challenge":"1665fbb920ddd1f58916ab4515e11a3c78730e14cfc4b8bc4cb8a34c46febbb0"}`
			case "own-state-body-newkey":
				p.code = "duplicate"
			case "own-state-body", "own-error-body", "raw-spaced", "raw-spaced-reserialised":
				p.code = "stored"
				wantEvents[v.Body] = true
			default:
				p.code = "unreadable"
				wantLetters[v.Body] = true
			}
			p.send(t, e)

			p.body, p.status, p.code, p.answer = v.Body+" ", http.StatusUnauthorized, "signature_mismatch", ""
			p.send(t, e)
		})
	}
	c := e.read(t)
	if len(c.events) != len(wantEvents) || len(c.deadLetters) != len(wantLetters) {
		t.Errorf("%d events and %d dead letters, want %d and %d",
			len(c.events), len(c.deadLetters), len(wantEvents), len(wantLetters))
	}
	for _, ev := range c.events {
		if !wantEvents[string(ev.Body)] {
			t.Errorf("stored other bytes than were sent: %q", ev.Body)
		}
	}
	for _, letter := range c.deadLetters {
		if !wantLetters[string(letter.Event.Body)] {
			t.Errorf("stored other bytes than were sent: %q", letter.Event.Body)
		}
	}
}

func checkTokenRefused(t *testing.T, e *edge, token string) {
	t.Helper()
	config := caddyJSON(t, `{
		"admin": {"disabled": true},
		"apps": {
			"smartcar": {"buffer": {"type": "disk", "path": `+quote(e.dir)+`}},
			"http": {"servers": {"s": {"listen": ["unix/`+e.dir+`/t"], "routes": [
				{"handle": [{"handler": "smartcar_webhook", "tokens": [`+quote(token)+`]}]}
			]}}}
		}}`)
	if err := caddy.Validate(config); err == nil {
		t.Error("a token of fewer than 16 characters was accepted")
	}
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func caddyJSON(t *testing.T, text string) *caddy.Config {
	t.Helper()
	config := new(caddy.Config)
	if err := caddy.StrictUnmarshalJSON([]byte(text), config); err != nil {
		t.Fatal(err)
	}
	return config
}
