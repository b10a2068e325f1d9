package explain

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/forms"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Tokens are some that are tried together.
type Tokens struct {
	names []string
	// configured: they are those of a receiver.
	configured bool
	// match finds the signatures that are those of a body under one of them, and which, by their number from 0; it leaves
	// the fields of the form and the header empty. It signs the body once with each token: a body may have 1 MB, dozens
	// of forms, and 16 signatures.
	match func(body []byte, signatures []sum) map[int]api.SignatureMatch
}

// sum is a signature, or a SHA-256.
type sum = [sha256.Size]byte

// Configured are the tokens of all receivers, those of a source first. A ring gives no token out, so they are tried as
// they are only, which is how their receivers use them.
func Configured(ring *keyring.Ring, source string) []Tokens {
	var list []Tokens
	sources := ring.Sources()
	for _, first := range []bool{true, false} {
		for _, name := range sources {
			if (name == source) == first {
				list = append(list, ofSource(ring, name)...)
			}
		}
	}
	return list
}

func ofSource(ring *keyring.Ring, source string) []Tokens {
	var list []Tokens
	receivers := ring.Of(source)
	for i, keys := range receivers {
		receiver := 0
		if len(receivers) > 1 {
			receiver = i + 1
		}
		t := Tokens{configured: true, match: func(body []byte, signatures []sum) map[int]api.SignatureMatch {
			found := make(map[int]api.SignatureMatch)
			for i, n := range keys.VerifyEach(body, signatures) {
				if n >= 0 {
					found[i] = api.SignatureMatch{Source: source, Receiver: receiver, Token: n + 1}
				}
			}
			return found
		}}
		for n := range keys.Len() {
			t.names = append(t.names, tokenName(&api.SignatureMatch{Source: source, Receiver: receiver, Token: n + 1}))
		}
		list = append(list, t)
	}
	return list
}

// Given is a token that somebody gave for trying, under the name of its file or variable; blanks, line ends and quotes
// around it may be there. It is tried in all its forms, and with key and message swapped. Its error does not contain
// it.
func Given(name, token string) (Tokens, error) {
	keys := forms.Keys(token)
	if len(keys) == 0 || keys[0].Name != "" {
		return Tokens{}, fmt.Errorf("%s: %w", name, errNoToken)
	}
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = k.Value
	}
	ring := smartcar.NewKeys(values...)
	return Tokens{
		names: []string{tokenName(&api.SignatureMatch{Given: name})},
		match: func(body []byte, signatures []sum) map[int]api.SignatureMatch {
			found := make(map[int]api.SignatureMatch)
			swapped := hmac.New(sha256.New, body)
			swapped.Write([]byte(values[0]))
			other := swapped.Sum(nil)
			for i, n := range ring.VerifyEach(body, signatures) {
				if n >= 0 {
					found[i] = api.SignatureMatch{Given: name, Key: keys[n].Name}
				} else if hmac.Equal(other, signatures[i][:]) && len(body) > 0 {
					found[i] = api.SignatureMatch{Given: name, Swapped: true}
				}
			}
			return found
		},
	}, nil
}

var errNoToken = errors.New("holds no token: put the Application Management Token there, and nothing else")

// tokenName names the token of a match.
func tokenName(m *api.SignatureMatch) string {
	if m.Given != "" {
		return "the token of " + m.Given
	}
	name := fmt.Sprintf("token %d of ", m.Token)
	if m.Receiver > 0 {
		name += fmt.Sprintf("receiver %d of ", m.Receiver)
	}
	return name + m.Source
}
