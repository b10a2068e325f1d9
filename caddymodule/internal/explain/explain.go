// Package explain says why a signature does not match a body, or under which token and in which form it does. It shows
// no body, no token and no signature: one that is right is as good as a token for its body.
package explain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/forms"
)

// MaxBody is the size of the largest body that can be explained, in bytes.
const MaxBody = forms.MaxBody

// Question is one signature and the body that it came with, both as they came.
type Question struct {
	// Source is that of the receiver in question; empty: any.
	Source    string
	Body      []byte
	Signature string
}

// Explain tries each form of the body with each token, and stops at the first form that matches. Its only error is that
// of the context.
func Explain(ctx context.Context, q Question, tokens []Tokens) (*api.SignatureExplanation, error) {
	sum := sha256.Sum256(q.Body)
	e := &api.SignatureExplanation{
		Source: q.Source, Matches: []api.SignatureMatch{},
		Body: api.SignedBody{
			Bytes: len(q.Body), SHA256: shown(sum), JSON: json.Valid(bytes.TrimPrefix(q.Body, []byte("\ufeff"))),
			PrintedAs: append([]string{}, forms.PrintedAs(q.Body)...),
		},
		Signature: api.SignatureShape{Characters: len(q.Signature)},
		Tried:     api.SignatureTried{Tokens: []string{}, Forms: []api.TriedForm{}},
	}
	for _, t := range tokens {
		e.Tried.Tokens = append(e.Tried.Tokens, t.names...)
		e.Tried.Running = e.Tried.Running || t.configured
	}
	signatures := forms.Signatures(q.Signature)
	e.Tried.Signatures = len(signatures)
	if len(signatures) == 0 {
		e.Signature.Problem = forms.NotASignature(q.Signature)
	} else {
		e.Tried.LeftOut = forms.All(q.Body, func(f forms.Form) bool {
			sum := sha256.Sum256(f.Bytes)
			e.Tried.Forms = append(e.Tried.Forms, api.TriedForm{Form: f.Name, Bytes: len(f.Bytes), SHA256: shown(sum), LineEnd: f.Tail})
			for _, s := range signatures {
				e.Matches = append(e.Matches, matchesOf(&f, sum, s, tokens)...)
			}
			return len(e.Matches) == 0 && ctx.Err() == nil
		})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	Conclude(e)
	return e, nil
}

// shown is as much of a sum as tells bodies apart.
func shown(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:])[:12] }

// matchesOf returns the ways in which one signature is that of one form.
func matchesOf(f *forms.Form, sum [sha256.Size]byte, s forms.Signature, tokens []Tokens) []api.SignatureMatch {
	m := api.SignatureMatch{Form: f.Name, Header: strings.Join(s.Names, ", "), Bytes: len(f.Bytes), SHA256: shown(sum), Causes: []string{}}
	for _, c := range f.Causes {
		if !slices.Contains(m.Causes, string(c)) {
			m.Causes = append(m.Causes, string(c))
		}
	}
	if sum == s.Sum {
		return []api.SignatureMatch{m}
	}
	var found []api.SignatureMatch
	digits := hex.EncodeToString(s.Sum[:])
	for _, t := range tokens {
		if by, ok := t.match(f.Bytes, digits); ok {
			by.Form, by.Header, by.Bytes, by.SHA256, by.Causes = m.Form, m.Header, m.Bytes, m.SHA256, m.Causes
			found = append(found, by)
		}
	}
	return found
}

// Merge adds what a second explanation of the same question has found to a first: another had other tokens.
func Merge(first, second *api.SignatureExplanation) {
	first.Matches = append(first.Matches, second.Matches...)
	first.Tried.Tokens = append(first.Tried.Tokens, second.Tried.Tokens...)
	first.Tried.Running = first.Tried.Running || second.Tried.Running
	first.Tried.LeftOut = first.Tried.LeftOut || second.Tried.LeftOut
	if len(second.Tried.Forms) > len(first.Tried.Forms) {
		first.Tried.Forms = second.Tried.Forms
	}
	Conclude(first)
}
