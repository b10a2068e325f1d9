package directive

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// A secret is a value that no error may show, such as a token: only its placeholders may be. Errors about one read on
// from its name, as in "is empty". noun is what it is, as in "token".

// Expand replaces the placeholders of a secret; what is not one stays as it is.
func Expand(raw, noun string) (string, error) {
	if raw == "" {
		return "", errors.New("is empty")
	}
	if err := CheckPlaceholders(raw, noun); err != nil {
		return "", err
	}
	repl := caddy.NewReplacer()
	// Caddy's own errors quote what stands in braces, which may be the secret, so they are
	// not passed on.
	if _, err := repl.ReplaceOrErr(raw, false, true); err != nil {
		return "", unknownPlaceholder(noun)
	}
	value, err := repl.ReplaceOrErr(raw, true, true)
	if err != nil {
		return "", errors.New("its placeholder is empty:" +
			" set the variable in the environment of the Caddy process, or make the file readable")
	}
	return value, nil
}

func unknownPlaceholder(noun string) error {
	return fmt.Errorf("has a placeholder that does not exist, or is a %s in braces:"+
		" write {env.NAME}, {file./absolute/path}, or a %s without braces", noun, noun)
}

// CheckPlaceholders refuses placeholders that do not exist or exist only during a
// request, and an opening brace that no closing brace follows, so that `{env.X` is no
// literal. No placeholder is quoted: a secret may stand in the braces by mistake.
func CheckPlaceholders(raw, noun string) error {
	for _, ph := range placeholderPattern.FindAllString(raw, -1) {
		switch {
		// A Caddyfile's {file.name} arrives as the second of these.
		case strings.HasPrefix(ph, "{file.") && !strings.ContainsAny(ph[len("{file."):], `/\.`),
			strings.HasPrefix(ph, "{http.request.uri.path.file."):
			return errors.New("has a {file.*} placeholder without a path: write {file./absolute/path}")
		case strings.HasPrefix(ph, "{http."):
			return errors.New("has a placeholder that exists only during a request: write {env.NAME} or {file./absolute/path}")
		case !globalPattern.MatchString(ph):
			return unknownPlaceholder(noun)
		}
	}
	if strings.ContainsAny(placeholderPattern.ReplaceAllString(raw, ""), "{}") {
		return errors.New("has a brace without its counterpart")
	}
	return nil
}

// HasPlaceholder reports whether a secret has a placeholder, so that its value is not known yet.
func HasPlaceholder(raw string) bool { return placeholderPattern.MatchString(raw) }

// ShownPlaceholders are those of a secret that have the form of a name or a path, one behind the other.
func ShownPlaceholders(raw string) string {
	return strings.Join(shownPattern.FindAllString(raw, -1), "")
}

var (
	placeholderPattern = regexp.MustCompile(`\{[^{}]+\}`)
	// globalPattern matches the placeholders that exist outside requests.
	globalPattern = regexp.MustCompile(`^\{(env|file|system|time)\.`)
	// shownPattern matches those of them that cannot be one of Smartcar's tokens, which
	// are UUIDs, with a prefix.
	shownPattern = regexp.MustCompile(`\{(env\.[A-Za-z_][A-Za-z0-9_]*|file\.[^{}]*[/\\.][^{}]*|(system|time)\.[a-z_.]+)\}`)
)
