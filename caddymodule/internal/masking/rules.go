package masking

import (
	"regexp"
	"strings"
	"unicode"
)

// form reports whether a string looks like what belongs to a place.
type form func(string) bool

// rule says where which form may be shown. In a path * is any one name, ** any number of them.
type rule struct {
	path string
	form form
}

// rules are all places of which strings are shown beside placeholders, durations and sizes.
var rules = []rule{
	{"admin/listen", isListener},
	{"admin/origins/*", isHost},
	{"storage/module", isName},
	{"storage/root", isFile},
	{"logging/logs/*/level", isName},
	{"logging/logs/*/include/*", isName},
	{"logging/logs/*/exclude/*", isName},
	{"logging/logs/*/writer/output", isName},
	{"logging/logs/*/writer/filename", isFile},
	{"logging/logs/*/encoder/format", isName},

	{"apps/smartcar/buffer/type", isName},
	{"apps/smartcar/buffer/path", isFile},
	{"apps/smartcar/handlers/*", isFile},
	{"apps/smartcar/log_stages/*", isName},
	{"apps/smartcar/attention/level", isName},

	{"apps/http/servers/*/listen/*", isListener},
	{"apps/http/servers/*/protocols/*", isName},
	{"apps/http/servers/**/handler", isName},
	{"apps/http/servers/**/match/*/host/*", isHost},
	{"apps/http/servers/**/match/*/path/*", isURLPath},
	{"apps/http/servers/**/match/*/method/*", isName},
	{"apps/http/servers/**/match/*/protocol", isName},
	{"apps/http/servers/**/upstreams/*/dial", isListener},
	{"apps/http/servers/**/trusted_proxies/source", isName},

	{"apps/tls/automation/policies/*/subjects/*", isHost},
	{"apps/tls/automation/policies/*/issuers/*/module", isName},
	{"apps/tls/automation/**/provider/name", isName},
	{"apps/tls/certificates/load_files/*/certificate", isFile},
}

// mayShow decides about the string at a place.
func mayShow(s string, at []string) bool {
	if s == "" || placeholder.MatchString(s) && !lookingRandom(s) {
		return true
	}
	if len(s) <= mostNumber && quantity.MatchString(s) && !secretName(last(at)) {
		return true
	}
	for _, r := range rules {
		if r.form(s) && matches(strings.Split(r.path, "/"), at) {
			return true
		}
	}
	return false
}

func matches(pattern, at []string) bool {
	if len(pattern) == 0 {
		return len(at) == 0
	}
	if pattern[0] == "**" {
		for i := range len(at) + 1 {
			if matches(pattern[1:], at[i:]) {
				return true
			}
		}
		return false
	}
	return len(at) > 0 && (pattern[0] == "*" || pattern[0] == at[0]) && matches(pattern[1:], at[1:])
}

var (
	// placeholder is nothing but one: it names a value and does not have it.
	placeholder = regexp.MustCompile(`^\{(env|file|http|system|time|vars|tls)\.[A-Za-z0-9_./-]{1,100}\}$`)
	// quantity is a duration, a size, a status or a switch.
	quantity = regexp.MustCompile(`^(([0-9]{1,10}(\.[0-9]{1,6})?(ns|us|µs|ms|s|m|h|d|B|KB|MB|GB|TB|KiB|MiB|GiB|TiB))+|[0-9]{1,5}|true|false|on|off)$`)

	name     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
	host     = regexp.MustCompile(`^[A-Za-z0-9.*:-]{1,253}$`)
	listener = regexp.MustCompile(`^[A-Za-z0-9.*:/|_\[\]-]{1,200}$`)
	file     = regexp.MustCompile(`^[\p{L}0-9 ./\\:_-]{1,300}$`)
	urlPath  = regexp.MustCompile(`^[A-Za-z0-9/.*_~-]{1,200}$`)
	key      = regexp.MustCompile(`^[A-Za-z@_][A-Za-z0-9@_.>:*-]{0,63}$`)

	secretWord = regexp.MustCompile(`(?i)token|secret|passw|passphrase|pwd|key|auth|cred|pin|salt|hash|cookie|signature|account|user|serial`)
)

func isName(s string) bool     { return name.MatchString(s) && !lookingRandom(s) }
func isHost(s string) bool     { return host.MatchString(s) && !longRun(s) }
func isListener(s string) bool { return listener.MatchString(s) && !longRun(s) }
func isFile(s string) bool     { return file.MatchString(s) && !strings.Contains(s, "//") && !longPart(s) }
func isURLPath(s string) bool  { return urlPath.MatchString(s) && !lookingRandom(s) }

// structural reports whether a key says what something is, rather than being data itself.
func structural(s string) bool { return key.MatchString(s) && !lookingRandom(s) }

// secretName reports whether what has such a name is not shown, whatever it looks like.
func secretName(s string) bool { return secretWord.MatchString(s) }

// lookingRandom reports whether a text may hold an id or a token: no word that people choose as a name has so many digits.
func lookingRandom(s string) bool {
	const mostDigits = 5
	digits := strings.Count(strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '0'
		}
		return r
	}, s), "0")
	return digits > mostDigits || longRun(s)
}

// longRun reports whether a text has a part that is longer than words are.
func longRun(s string) bool {
	const mostLetters = 24
	for run := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(run) > mostLetters || len(run) > mostLetters/2 && strings.ContainsAny(run, "0123456789") {
			return true
		}
	}
	return false
}

// longPart is longRun for paths, whose folders a program may have named.
func longPart(s string) bool {
	const mostLetters = 40
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '/' || r == '\\' || r == '.' }) {
		if len(part) > mostLetters {
			return true
		}
	}
	return false
}
