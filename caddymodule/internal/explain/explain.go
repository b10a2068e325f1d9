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
			e.Matches = append(e.Matches, matchesOf(&f, sum, signatures, tokens)...)
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
func shown(s sum) string { return hex.EncodeToString(s[:])[:12] }

// matchesOf returns the ways in which signatures are those of one form, whose SHA-256 is plain.
func matchesOf(f *forms.Form, plain sum, signatures []forms.Signature, tokens []Tokens) []api.SignatureMatch {
	sums := make([]sum, len(signatures))
	for i := range signatures {
		sums[i] = signatures[i].Sum
	}
	byTokens := make([]map[int]api.SignatureMatch, len(tokens))
	for i := range tokens {
		byTokens[i] = tokens[i].match(f.Bytes, sums)
	}
	causes := []string{}
	for _, c := range f.Causes {
		if !slices.Contains(causes, string(c)) {
			causes = append(causes, string(c))
		}
	}
	var found []api.SignatureMatch
	add := func(m api.SignatureMatch, s *forms.Signature) {
		m.Form, m.Header, m.Bytes, m.SHA256, m.Causes = f.Name, strings.Join(s.Names, ", "), len(f.Bytes), shown(plain), causes
		found = append(found, m)
	}
	for i := range signatures {
		if sums[i] == plain { // anybody can make it: it is no secret
			add(api.SignatureMatch{}, &signatures[i])
			continue
		}
		for _, by := range byTokens {
			if m, ok := by[i]; ok {
				add(m, &signatures[i])
			}
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
