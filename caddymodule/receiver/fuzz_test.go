package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// FuzzReceiver sends one whole request. What is stored has a right signature and is byte for byte
// what was sent; what is answered with a hash is a plain challenge; the same request
// gets the same answer again; and the log holds no token.
func FuzzReceiver(f *testing.F) {
	right := smartcar.Sign(tokenB, []byte(stateBody))
	for _, body := range []string{stateBody, verifyBody, "", "{}", "Qx7mT2vLp9Rk4ZsA", `{"eventType":"VERIFY"}`, stateBody[:40], "\xff\x00"} {
		f.Add([]byte(body), "application/json", "", byte(1))
		f.Add([]byte(body), "Application/JSON; charset=utf-8", "", byte(0))
		f.Add([]byte(body), "application/json", right, byte(2))
		f.Add([]byte(body), "text/plain", right+", "+right, byte(3))
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType, signature string, how byte) {
		var kept *buffer.Event
		rc, log := newReceiver(t, func(_ context.Context, e *buffer.Event) (buffer.Receipt, error) {
			ev := *e
			ev.Body = bytes.Clone(e.Body)
			kept = &ev
			return buffer.Receipt{Position: 1}, nil
		}, func(rc *Receiver) { rc.MaxSize = 4 << 10 })
		send := func() (int, string) {
			kept = nil
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			r.Header["Content-Type"] = []string{contentType}
			switch how % 4 {
			case 0:
			case 1:
				r.Header["Sc-Signature"] = []string{smartcar.Sign(tokenA, body)}
			case 2:
				r.Header["Sc-Signature"] = []string{signature}
			case 3:
				r.Header["Sc-Signature"] = []string{smartcar.Sign(tokenA, body), signature}
			}
			w, _ := serve(t, rc, r)
			return w.Code, w.Body.String()
		}
		status, text := send()
		var answer struct{ Status, Error, Message, Challenge string }
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatalf("%d %q: %v", status, text, err)
		}
		signed := how%4 == 1 || how%4 == 2 && (strings.EqualFold(signature, smartcar.Sign(tokenA, body)) || strings.EqualFold(signature, smartcar.Sign(tokenB, body)))
		switch {
		case status == http.StatusOK && answer.Challenge != "":
			e, err := smartcar.ParseEnvelope(body)
			if err != nil || !smartcar.PlainChallenge(e.Challenge) || kept != nil || len(body) > 4<<10 {
				t.Fatalf("a challenge that is none was answered: %q", body)
			}
			if how%4 != 0 && !signed {
				t.Fatalf("a VERIFY with a wrong signature was answered")
			}
		case status == http.StatusOK:
			if kept == nil || !bytes.Equal(kept.Body, body) || !signed || kept.ID == "" || (smartcar.ChallengeRule{Min: 1, Max: maxChallenge}).Plain(string(body)) {
				t.Fatalf("%s for %q, stored %+v", text, body, kept)
			}
			if (kept.Unreadable != "") != (answer.Status == outcomeUnreadable) {
				t.Fatalf("%s, but stored as %q", text, kept.Unreadable)
			}
		default:
			if kept != nil || answer.Error == "" {
				t.Fatalf("%d %s, stored %+v", status, text, kept)
			}
		}
		if again, text2 := send(); again != status || text2 != text {
			t.Fatalf("%d %s, then %d %s", status, text, again, text2)
		}
		if strings.Contains(log.String(), tokenA) && !bytes.Contains(body, []byte(tokenA)) {
			t.Fatalf("the log holds the token")
		}
		if answer.Challenge != "" && strings.Contains(log.String(), answer.Challenge) {
			t.Fatalf("the log holds the answer")
		}
	})
}

// FuzzContentType holds our reading against the standard library's: what that calls
// application/json is taken, and what it calls something else is not.
func FuzzContentType(f *testing.F) {
	for _, seed := range []string{"application/json", "APPLICATION/json;charset=utf-8", " application/json ; a=b", "application/jsonp", "text/json", ";", "application/json, text/plain"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		media, _, err := mime.ParseMediaType(value)
		if err == nil && isJSON([]string{value}) != (media == "application/json") {
			t.Fatalf("%q is %q", value, media)
		}
		if isJSON([]string{value, value}) {
			t.Fatal("a repeated header was taken")
		}
	})
}

// FuzzTokens: what is accepted is fit to be a key; an error shows no value.
func FuzzTokens(f *testing.F) {
	f.Add(tokenA, tokenB)
	f.Add(tokenA, tokenA)
	f.Add("{env.SMARTCAR_FUZZ_NOT_SET}", tokenA+" ")
	f.Add("{"+tokenA+"}", "{env."+tokenA)
	f.Add("short", "")
	const fewest = 16 // characters of a token
	f.Fuzz(func(t *testing.T, one, two string) {
		if strings.Contains(one+two, "file.") || strings.Contains(one+two, "env.") {
			return // whatever this machine has
		}
		tokens, err := expandTokens([]string{one, two}, `receiver "s"`)
		if err != nil {
			for _, secret := range []string{one, two} {
				if len(secret) >= fewest && strings.Contains(err.Error(), secret) && !strings.Contains(secret, "{") {
					t.Fatalf("the error shows %q: %v", secret, err)
				}
			}
			return
		}
		if len(tokens) != 2 || tokens[0] == tokens[1] {
			t.Fatalf("%q", tokens)
		}
		for _, token := range tokens {
			if len(token) < fewest || strings.ContainsAny(token, " \t\r\n") {
				t.Fatalf("%q was accepted", token)
			}
		}
	})
}

// FuzzPrintable: nothing of a log line can be more than short plain text.
func FuzzPrintable(f *testing.F) {
	f.Add("event-1")
	f.Add("\x1b[31m\n\u202e" + strings.Repeat("é", 80))
	f.Fuzz(func(t *testing.T, text string) {
		got := printable(text)
		if len(got) > maxPrinted || printable(got) != got {
			t.Fatalf("%q became %q", text, got)
		}
		for i := range len(got) {
			if got[i] < 0x21 || got[i] > 0x7e {
				t.Fatalf("%q became %q", text, got)
			}
		}
	})
}
