package masking

import (
	"regexp"
	"slices"
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
	if hidden(at) {
		return false
	}
	if len(s) <= mostQuantity && quantity.MatchString(s) {
		return true
	}
	for _, r := range rules {
		if r.form(s) && matches(strings.Split(r.path, "/"), at) {
			return true
		}
	}
	return false
}

// showsNumber decides about the number at a place.
func showsNumber(s string, at []string) bool {
	switch {
	case hidden(at):
		return false
	case quantityPart.MatchString(last(at)):
		return len(s) <= mostQuantity
	default:
		_, decimals, _ := strings.Cut(s, ".")
		return len(s) <= mostNumber && len(decimals) <= mostDecimals
	}
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
	// quantity is a duration, a size, a status or a switch. A longer number may be a code.
	quantity = regexp.MustCompile(`^(([0-9]{1,10}(\.[0-9]{1,6})?(ns|us|µs|ms|s|m|h|d|B|KB|MB|GB|TB|KiB|MiB|GiB|TiB))+` +
		`|[0-9]{1,3}|true|false|on|off)$`)

	name     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
	host     = pattern{regexp.MustCompile(`^[A-Za-z0-9.*:-]+$`), 253}
	listener = pattern{regexp.MustCompile(`^[A-Za-z0-9.*:/|_\[\]-]+$`), 200}
	file     = pattern{regexp.MustCompile(`^[\p{L}0-9 ./\\:_-]+$`), 300}
	urlPath  = pattern{regexp.MustCompile(`^[A-Za-z0-9/.*_~-]+$`), 200}
)

// pattern is for long texts: an expression that counts to hundreds takes megabytes, and each process pays for it at its
// start.
type pattern struct {
	of   *regexp.Regexp
	most int // bytes
}

func (p pattern) matches(s string) bool { return len(s) <= p.most && p.of.MatchString(s) }

func isName(s string) bool     { return name.MatchString(s) && !lookingRandom(s) }
func isHost(s string) bool     { return host.matches(s) && !longRun(s) }
func isListener(s string) bool { return listener.matches(s) && !longRun(s) }
func isFile(s string) bool     { return file.matches(s) && !strings.Contains(s, "//") && !longPart(s) }
func isURLPath(s string) bool  { return urlPath.matches(s) && !lookingRandom(s) }

// lookingRandom reports whether a text may hold an id or a token: no word that people choose as a name looks so.
func lookingRandom(s string) bool {
	return ManyDigits(s) || longRun(s) || slices.ContainsFunc(runs(s), mixedRun)
}

// mixedRun reports whether letters and digits follow one another as in no word: s3cr3t, aB3dE5, gXqPzRtW, 7f1c9a52.
func mixedRun(run string) bool {
	const most, long = 2, 6
	var digits, letters, upper, lower, rises, returns int
	before := rune(' ')
	for _, r := range run {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsUpper(r):
			upper++
			if unicode.IsLower(before) {
				rises++
			}
		default:
			lower++
		}
		if !unicode.IsDigit(r) {
			letters++
			if unicode.IsDigit(before) {
				returns++
			}
		}
		before = r
	}
	return returns >= most || rises > most ||
		upper > 0 && lower > 0 && digits > 0 && len(run) >= long ||
		letters > 0 && digits > most && len(run) > long
}

// runs are the parts of a text that are letters and digits.
func runs(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// longRun reports whether a text has a part that is longer than words are.
func longRun(s string) bool {
	const mostLetters = 24
	for _, run := range runs(s) {
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
