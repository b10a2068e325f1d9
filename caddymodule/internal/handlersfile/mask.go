package handlersfile

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// plainRanges, as a diagnostic's Extra, are values that are no secrets.
type plainRanges []hcl.Range

// plainNames are the attributes of a handler, and of the blocks retry, breaker,
// batch and signals, whose values are shown. All others are masked, also those whose names are
// mistakes: a misspelt password is a password.
var plainNames = map[string]bool{
	"plugin": true, "sha256": true, "when": true, "order": true, "concurrency": true, "timeout": true,
	"max_attempts": true, "min_delay": true, "max_delay": true, "failures": true, "cooldown": true,
	"max_events": true, "max_wait": true, "park_after": true, "start": true, "stale": true,
}

// plainName also knows names that are nearly right, so that the line still helps.
func plainName(name string) bool {
	return plainNames[name] || text.Nearest(name, slices.Sorted(maps.Keys(plainNames))) != ""
}

// plainLines begin lines that are shown of a file that could not be parsed.
var plainLines = map[string]bool{"handler": true, "retry": true, "breaker": true, "batch": true, "signals": true, "config": true}

// masked returns the file for display, with asterisks for everything that may be secret.
// Lengths and line ends stay, because diagnostics point at bytes.
func (s *source) masked(plain []hcl.Range) *hcl.File {
	shown := &hcl.File{Body: s.file.Body, Nav: s.file.Nav, Bytes: slices.Clone(s.file.Bytes)}
	tokens, _ := hclsyntax.LexConfig(s.file.Bytes, s.name, hcl.InitialPos)
	secret := s.secretByLine(tokens)
	if s.body != nil {
		secret = s.secretByPlace(slices.Concat(plain, s.plain))
	}
	for i, token := range tokens {
		if token.Type == hclsyntax.TokenComment || secret(i, token) && isValue(tokens, i) {
			mask(shown.Bytes, token.Range)
		}
	}
	return shown
}

func mask(content []byte, at hcl.Range) {
	for i := at.Start.Byte; i < at.End.Byte && i < len(content); i++ {
		if content[i] != '\n' && content[i] != '\r' {
			content[i] = '*'
		}
	}
}

// secretByPlace knows the structure: it masks the values of all attributes but
// those that are plain. What it returns wants the tokens in order.
func (s *source) secretByPlace(plain []hcl.Range) func(int, hclsyntax.Token) bool {
	isPlain := make(map[hcl.Range]bool, len(plain))
	for _, r := range plain {
		isPlain[r] = true
	}
	var values []hcl.Range
	var walk func(body *hclsyntax.Body, own bool)
	walk = func(body *hclsyntax.Body, own bool) {
		for name, attr := range body.Attributes {
			at := attr.Expr.Range()
			if own && plainName(name) || isPlain[at] {
				continue
			}
			values = append(values, at)
		}
		for _, block := range body.Blocks {
			walk(block.Body, block.Type == "handler" || own && plainLines[block.Type] && block.Type != "config")
		}
	}
	walk(s.body, false)
	slices.SortFunc(values, func(a, b hcl.Range) int { return a.Start.Byte - b.Start.Byte })
	return func(_ int, token hclsyntax.Token) bool {
		for len(values) > 0 && values[0].End.Byte <= token.Range.Start.Byte {
			values = values[1:]
		}
		return len(values) > 0 && values[0].Overlaps(token.Range)
	}
}

// secretByLine is for a file with syntax errors: it masks values in all lines but
// those that begin with a plain name.
func (s *source) secretByLine(tokens hclsyntax.Tokens) func(int, hclsyntax.Token) bool {
	plain := make(map[int]bool)
	seen := make(map[int]bool)
	for _, token := range tokens {
		line := token.Range.Start.Line
		if !seen[line] && token.Type == hclsyntax.TokenIdent {
			plain[line] = plainNames[string(token.Bytes)] || plainLines[string(token.Bytes)]
		}
		seen[line] = true
	}
	first := func(i int) bool { return i == 0 || tokens[i-1].Range.Start.Line < tokens[i].Range.Start.Line }
	return func(i int, token hclsyntax.Token) bool {
		name := first(i) && token.Type == hclsyntax.TokenIdent
		return !plain[token.Range.Start.Line] && !name
	}
}

// isValue reports whether a token is a part of a value, rather than a key, an
// operator or a reference to the environment.
func isValue(tokens hclsyntax.Tokens, i int) bool {
	switch tokens[i].Type {
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenNumberLit,
		hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8, hclsyntax.TokenQuotedNewline:
		return true
	case hclsyntax.TokenIdent:
	default:
		return false
	}
	switch string(tokens[i].Bytes) {
	case "env", "true", "false", "null":
		return false
	}
	if i+1 < len(tokens) && (tokens[i+1].Type == hclsyntax.TokenEqual || tokens[i+1].Type == hclsyntax.TokenColon) {
		return false
	}
	fromEnv := i >= 2 && tokens[i-1].Type == hclsyntax.TokenDot && string(tokens[i-2].Bytes) == "env"
	return !fromEnv
}
