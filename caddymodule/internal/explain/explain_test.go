package explain

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	first  = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b3a"
	second = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
	old    = "0d0d0d0d-1111-4222-8333-444455556666"
)

const event = `{"eventId":"a9f3","eventType":"VEHICLE_STATE","data":{"nickname":"Käfer <1>","n":[17,63.5]},"meta":{"mode":"LIVE"}}`

// ring has two tokens of production, and one of test at each of two receivers.
func ring() *keyring.Ring {
	r := new(keyring.Ring)
	r.Add("production", smartcar.NewKeys(first, second))
	r.Add("test", smartcar.NewKeys("another-token-of-its-own"))
	r.Add("test", smartcar.NewKeys("a-third-token-of-its-own"))
	return r
}

func given(t *testing.T, name, token string) Tokens {
	t.Helper()
	g, err := Given(name, token)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func gzipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.String()
}

func inBase64(signature string) string {
	sum, _ := hex.DecodeString(signature)
	return base64.StdEncoding.EncodeToString(sum)
}

func sha256Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Whatever lies between, it is found and said.
func TestExplain(t *testing.T) {
	sign := func(token, body string) string { return smartcar.Sign(token, []byte(body)) }
	python := `{"eventId": "a9f3", "eventType": "VEHICLE_STATE", "data": {"nickname": "K\u00e4fer <1>", "n": [17, 63.5]}, "meta": {"mode": "LIVE"}}`
	for name, tt := range map[string]struct {
		source, body, signature string
		verdict                 api.SignatureVerdict
		says                    string // in the first paragraph
		also                    string // in one of the others
	}{
		"right": {"production", event, sign(first, event), api.SignatureRight,
			"is right: it matches token 1 of production over the body as it came.", "did not have this token then"},
		"right, of any source":  {"", event, sign(second, event), api.SignatureRight, "token 2 of production", "log line has its code"},
		"right, in capitals":    {"production", event, strings.ToUpper(sign(first, event)), api.SignatureRight, "token 1 of production", ""},
		"of the other source":   {"production", event, sign("a-third-token-of-its-own", event), api.SignatureOtherToken, "token 1 of receiver 2 of test", "a webhook of that Smartcar application has the callback URI of this one"},
		"of an earlier token":   {"production", event, sign(old, event), api.SignatureOtherToken, "the token of old.txt over the body as it came.", "often the first that was ever issued"},
		"rewritten on its way":  {"production", python, sign(first, event), api.SignatureChanged, "over the body as JavaScript's JSON.stringify prints it.", "What came is as Python's json.dumps prints it"},
		"signed by Python":      {"production", event, sign(first, python), api.SignatureChanged, "over the body as Python's json.dumps prints it.", "signed by a program of your own"},
		"a line end added":      {"production", event + "\n", sign(second, event), api.SignatureChanged, "token 2 of production over the body", ""},
		"a line end taken":      {"production", event, sign(second, event+"\n"), api.SignatureChanged, "with a line feed behind it", "editor"},
		"compressed":            {"production", gzipped(event), sign(first, event), api.SignatureChanged, "decompressed from gzip", "Turn that off"},
		"prefix":                {"production", event, "sha256=" + sign(first, event), api.SignatureChanged, "the header has it with sha256= before it", "have it pass the header on as it came"},
		"base64":                {"production", event, inBase64(sign(first, event)), api.SignatureChanged, "the header has it in base64", "have it pass the header on as it came"},
		"base64 and rewritten":  {"production", python, " " + inBase64(sign(first, event)), api.SignatureChanged, "over the body as JavaScript's JSON.stringify prints it; the header has it with blanks around it, in base64", "have it pass the header on as it came"},
		"token in capitals":     {"production", event, sign(strings.ToUpper(old), event), api.SignatureChanged, "the token of old.txt in capitals over the body as it came", "not written as the one that signed"},
		"token without dashes":  {"", event, sign(strings.ReplaceAll(old, "-", ""), event), api.SignatureChanged, "without its dashes", "Copy it again"},
		"token with a line end": {"", event, sign(old+"\n", event), api.SignatureChanged, "with a line feed behind it over", "Copy it again"},
		"swapped":               {"production", event, sign(event, old), api.SignatureChanged, "with key and message swapped, over the body as it came", "Rust"},
		"unsigned":              {"production", event, sha256Of(event), api.SignatureUnsigned, "made without a token", ""},
		"the challenge":         {"", `{"eventType":"VERIFY","data":{"challenge":"abc"}}`, sign(first, "abc"), api.SignatureChanged, "of which only the challenge counts", "whole body"},
		"cut off":               {"production", event, sign(first, event)[:40], api.SignatureMalformed, "SHA-1", "SC-Signature"},
		"none":                  {"production", event, "", api.SignatureMalformed, "it is empty", ""},
		"another token":         {"production", event, sign("an-application-of-its-own", event), api.SignatureNoMatch, "No token matches the body in any of", "it is the token that differs"},
		"another, from Python":  {"production", python, sign("an-application-of-its-own", event), api.SignatureNoMatch, "No token matches", "not printed as Smartcar prints it but as Python's json.dumps prints it"},
		"changed beyond forms":  {"production", `{"a" : 1}`, sign(first, event), api.SignatureNoMatch, "No token matches", "not printed as Smartcar prints it. So something on its way"},
		"no JSON":               {"production", event[:20], sign(first, event), api.SignatureNoMatch, "No token matches", "The body is no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := append(Configured(ring(), tt.source), given(t, "old.txt", old+"\n"))
			e, err := Explain(t.Context(), Question{tt.source, []byte(tt.body), tt.signature}, tokens)
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != tt.verdict || !strings.Contains(e.Meaning[0], tt.says) {
				t.Errorf("%s: %q, want %s: %q", e.Verdict, e.Meaning[0], tt.verdict, tt.says)
			}
			if rest := strings.Join(e.Meaning[1:], "\n"); !strings.Contains(rest, tt.also) {
				t.Errorf("nothing says %q:\n%s", tt.also, rest)
			}
			holdsNoSecret(t, e, tt.body, tt.signature)
		})
	}
}

// A header may hold many signatures, and a body has many forms, of up to 1 MB each: each is signed once.
func TestEachFormIsSignedOnce(t *testing.T) {
	var header []string
	for i := range 16 {
		header = append(header, fmt.Sprintf("%064x", i))
	}
	var signed []int
	counting := Tokens{match: func(_ []byte, signatures []sum) map[int]api.SignatureMatch {
		signed = append(signed, len(signatures))
		return nil
	}}
	e, err := Explain(t.Context(), Question{Body: []byte(event), Signature: strings.Join(header, ",")}, []Tokens{counting})
	if err != nil {
		t.Fatal(err)
	}
	if e.Tried.Signatures != 16 || len(e.Tried.Forms) < 10 || len(signed) != len(e.Tried.Forms) || slices.Min(signed) != 16 {
		t.Errorf("%d signatures, %d forms; signed for %v", e.Tried.Signatures, len(e.Tried.Forms), signed)
	}
}

// Of several signatures in a header each one is found.
func TestSeveralSignaturesMatch(t *testing.T) {
	header := strings.Join([]string{
		smartcar.Sign(second, []byte(event)), sha256Of("another"), smartcar.Sign(event, []byte(old)), smartcar.Sign(old, []byte(event)),
	}, ",")
	tokens := append(Configured(ring(), "production"), given(t, "old.txt", old))
	e, err := Explain(t.Context(), Question{Body: []byte(event), Signature: header}, tokens)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range e.Matches {
		found = append(found, fmt.Sprintf("%s%s %d %t", m.Source, m.Given, m.Token, m.Swapped))
	}
	if want := []string{"production 2 false", "old.txt 0 false", "old.txt 0 true"}; !slices.Equal(found, want) {
		t.Errorf("%q, want %q", found, want)
	}
}

// holdsNoSecret fails where an explanation holds a token, a body, or a signature, of any form that was tried.
func holdsNoSecret(t *testing.T, e *api.SignatureExplanation, body, signature string) {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.ToLower(string(text))
	secrets := []string{first, second, old, "token-of-its-own", "nickname", "käfer", "63.5"}
	if len(signature) >= 16 {
		secrets = append(secrets, strings.ToLower(signature), strings.ToLower(signature[8:24]))
	}
	for _, token := range []string{first, second, old} {
		for _, b := range []string{body, event} {
			secrets = append(secrets, smartcar.Sign(token, []byte(b))[:16])
		}
	}
	for _, s := range secrets {
		if strings.Contains(all, s) {
			t.Errorf("it holds %q:\n%s", s, all)
		}
	}
}

// What two have found is one explanation, and the match that needs the least to have happened comes first.
func TestMerge(t *testing.T) {
	explained := func(signature string, tokens []Tokens) *api.SignatureExplanation {
		e, err := Explain(t.Context(), Question{"", []byte(event), signature}, tokens)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	mine := []Tokens{given(t, "$OLD", old)}
	for name, tt := range map[string]struct {
		token   string
		verdict api.SignatureVerdict
		says    string
	}{
		"Caddy has it":          {first, api.SignatureRight, "token 1 of production"},
		"the given one is it":   {old, api.SignatureOtherToken, "the token of $OLD"},
		"neither":               {"an-application-of-its-own", api.SignatureNoMatch, "No token matches"},
		"given in another form": {strings.ToUpper(old), api.SignatureChanged, "the token of $OLD in capitals"},
	} {
		t.Run(name, func(t *testing.T) {
			signature := smartcar.Sign(tt.token, []byte(event))
			e := explained(signature, Configured(ring(), ""))
			Merge(e, explained(signature, mine))
			if e.Verdict != tt.verdict || !strings.Contains(e.Meaning[0], tt.says) {
				t.Errorf("%s: %q", e.Verdict, e.Meaning)
			}
			if n := len(e.Tried.Tokens); n != 5 {
				t.Errorf("%d tokens were tried, want 5: %q", n, e.Tried.Tokens)
			}
		})
	}
	// The same token configured and given: what Caddy has counts.
	e := explained(smartcar.Sign(first, []byte(event)), []Tokens{given(t, "f", first)})
	Merge(e, explained(smartcar.Sign(first, []byte(event)), Configured(ring(), "")))
	if e.Verdict != api.SignatureRight || len(e.Matches) != 2 {
		t.Errorf("%s with %d matches", e.Verdict, len(e.Matches))
	}
}

func TestWithoutTokens(t *testing.T) {
	e, err := Explain(t.Context(), Question{"", []byte(event), smartcar.Sign(first, []byte(event))}, nil)
	if err != nil || e.Verdict != api.SignatureNoMatch || !strings.Contains(e.Meaning[0], "There is no token to try") {
		t.Errorf("%v %v", e, err)
	}
}

func TestExplainEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := Question{"", []byte(event), smartcar.Sign(old, []byte(event))}
	if _, err := Explain(ctx, q, Configured(ring(), "")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What is no token is refused, and not shown.
func TestGivenRefuses(t *testing.T) {
	for _, token := range []string{"", "\n", `""`, " \r\n"} {
		if _, err := Given("f.txt", token); err == nil || !strings.HasPrefix(err.Error(), "f.txt: holds no token") {
			t.Errorf("%q: %v", token, err)
		}
	}
}
