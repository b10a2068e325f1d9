package receiver

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// expandTokens replaces placeholders and checks the results. An error names a token
// by number, placeholder and owner, never by its value.
func expandTokens(configured []string, owner string) ([]string, error) {
	if len(configured) == 0 {
		return nil, fmt.Errorf("%s has no token: add the Application Management Token"+
			" from Smartcar's dashboard, as in `token {env.SMARTCAR_TOKEN}`", owner)
	}
	tokens := make([]string, len(configured))
	var faults []error
	for i, raw := range configured {
		token, err := directive.Expand(raw, "token")
		if err == nil {
			err = checkToken(token)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", tokenName(i, raw, owner), err))
			continue
		}
		if first := indexOf(tokens[:i], token); first >= 0 {
			faults = append(faults, fmt.Errorf("%s: same value as token %d: each token may appear once",
				tokenName(i, raw, owner), first+1))
		}
		tokens[i] = token
	}
	return tokens, errors.Join(faults...)
}

// checkToken refuses what cannot be a token, and what is one by its form only: nobody would notice
// before the first event, which is then refused with 401.
func checkToken(token string) error {
	if err := smartcar.CheckToken(token); err != nil {
		return err
	}
	switch {
	case variablePattern.MatchString(token):
		return errors.New("is the name of a variable, taken as it stands: write {env.NAME}, with the braces")
	case strings.ContainsAny(token[:1], quotes) || strings.ContainsAny(token[len(token)-1:], quotes):
		return errors.New("has quotes around it that are a part of it: take them out," +
			" also in a file of environment variables that does not strip them")
	case isStandIn(token):
		return errors.New("is a stand-in that was never replaced: put the Application Management Token" +
			" from Smartcar's dashboard in its place")
	}
	return nil
}

const quotes = "\"'`"

// variablePattern matches how shells, systemd and others write a variable.
var variablePattern = regexp.MustCompile(`^(\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|env[.:][A-Za-z_][A-Za-z0-9_]*)$`)

// standIns are what people write where a token has to come. None has only the letters of a UUID, which Smartcar's
// tokens are.
var standIns = []string{"changeme", "replaceme", "yourtoken", "tokenhere", "example", "placeholder", "xxxx", "<"}

func isStandIn(token string) bool {
	word := strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(token))
	if strings.Trim(word, word[:min(1, len(word))]) == "" {
		return true // one character again and again
	}
	for _, s := range standIns {
		if strings.Contains(word, s) {
			return true
		}
	}
	return false
}

// tokenName says which token is meant: its number and its placeholders, if they have the
// form of a name or a path. A literal is not shown.
func tokenName(i int, raw, owner string) string {
	name := fmt.Sprintf("token %d of %s", i+1, owner)
	if shown := directive.ShownPlaceholders(raw); shown != "" {
		name += " (" + shown + ")"
	}
	return name
}

func indexOf(list []string, s string) int {
	for i, v := range list {
		if v == s && v != "" {
			return i
		}
	}
	return -1
}
