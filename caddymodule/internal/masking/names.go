package masking

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// field is how the fields of Caddy's configs are called, those of other modules too.
	field = regexp.MustCompile(`^@?[a-z][a-z0-9_]{0,39}$`)
	// id is how people call a server or a log.
	id = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,39}$`)

	// secretWord is in the names of secrets, and of what is of somebody.
	secretWord = regexp.MustCompile(`(?i)token|secret|passw|passphrase|pwd|key|auth|cred|pin|salt|hash|cookie|signature` +
		`|account|user|serial`)
	// secretPart is a part of a name whose letters stand in other words too.
	secretPart = regexp.MustCompile(`(?i)(^|[^a-z])(ids?|uid|phone|mobile|tel|chat|vin|e?mail_?address|lat|lon|lng` +
		`|latitude|longitude|coordinates)([^a-z]|$)`)
	// quantityPart is a part of the name of a number that may be large: a duration in nanoseconds, a size in bytes.
	quantityPart = regexp.MustCompile(`(^|_)(timeout|interval|duration|delay|period|wait|every|after|age|ttl|lifetime|window` +
		`|latency|retention|headroom|size|bytes|body|limit|max|min|rate|memory|mb)(_|$)`)
)

// ids are the places whose keys are names that people choose for parts of their config.
var ids = []string{"apps/http/servers/*", "logging/logs/*"}

// notSecret are names of Caddy that have a word of a secret in them, and hold parts with fields of their own.
var notSecret = []string{
	"authentication", "client_authentication", "certificate_authorities", "user_agent", "log_credentials",
}

// dataMaps have keys that are data, and values that may be anything.
var dataMaps = []string{
	"header", "headers", "header_regexp", "query", "vars", "vars_regexp", "env", "environment", "labels", "cookies", "params",
}

// knownKeys are shown though they have not the form of a field, or stand in a map of data.
var knownKeys = []string{
	"tls-alpn", "request", "response", "set", "add", "delete", "replace", "require",
	"Authorization", "Content-Type", "Forwarded", "Host", "SC-Signature", "Sc-Signature", "User-Agent", "X-Forwarded-For",
	"X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "X-Real-IP",
}

// shownKey reports whether a key says what something is, rather than being data itself. at is the path to its value.
func shownKey(at []string) bool {
	key := at[len(at)-1]
	switch {
	case slices.Contains(knownKeys, key):
		return true
	case hidden(at[:len(at)-1]) || lookingRandom(key):
		return false
	case isID(at):
		return id.MatchString(key)
	default:
		return field.MatchString(key)
	}
}

// hidden reports whether nothing at a place is shown, whatever it looks like: a name on the way to it is one of a secret
// or of a map of data.
func hidden(at []string) bool {
	for i, name := range at {
		if isIndex(name) || isID(at[:i+1]) {
			continue
		}
		if secretName(name) || slices.Contains(dataMaps, name) || isHeaders(at[:i+1]) {
			return true
		}
	}
	return false
}

// isHeaders reports whether a place is a map of headers in Caddy's handler of that name.
func isHeaders(at []string) bool {
	return len(at) > 1 && slices.Contains([]string{"set", "add", "replace"}, last(at)) &&
		slices.Contains([]string{"request", "response"}, at[len(at)-2])
}

// secretName reports whether what has such a name is not shown, whatever it looks like.
func secretName(s string) bool {
	return (secretWord.MatchString(s) || secretPart.MatchString(s)) && !slices.Contains(notSecret, s)
}

func isID(at []string) bool {
	return slices.ContainsFunc(ids, func(pattern string) bool { return matches(strings.Split(pattern, "/"), at) })
}

// isIndex reports whether a part of a path is the place in a list.
func isIndex(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// below is the path to a part of an object. What the handler vars sets are data.
func below(object map[string]any, at []string, key string) []string {
	at = at[:len(at):len(at)]
	if object["handler"] == "vars" && key != "handler" {
		at = append(at, "vars")
	}
	return append(at, key)
}

// last is the name of a value, where it stands in a list that of the list.
func last(at []string) string {
	for _, name := range slices.Backward(at) {
		if !isIndex(name) {
			return name
		}
	}
	return ""
}
