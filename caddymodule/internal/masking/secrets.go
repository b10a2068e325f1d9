package masking

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// leastSecret is how short a text may be that is looked for elsewhere: a shorter one is in other texts by chance.
const leastSecret = 6

// Secrets returns the strings of a config that Config masks and that stand there as secrets, or look like none of the
// words that other texts have: what a config is shown with must not have them either. It returns none of what is not
// JSON.
func Secrets(raw []byte) []string {
	var config any
	if json.Unmarshal(raw, &config) != nil {
		return nil
	}
	found := map[string]bool{}
	var walk func(value any, at []string)
	walk = func(value any, at []string) {
		if len(at) > mostDepth {
			return
		}
		switch v := value.(type) {
		case map[string]any:
			for key, element := range v {
				path := below(v, at, key)
				if len(key) >= leastSecret && secretKey(path) {
					found[key] = true
				}
				walk(element, path)
			}
		case []any:
			for i, element := range v {
				walk(element, append(at[:len(at):len(at)], strconv.Itoa(i)))
			}
		case string:
			if len(v) >= leastSecret && !mayShow(v, at) && secretText(v, at) {
				found[v] = true
			}
		}
	}
	walk(config, nil)
	list := make([]string, 0, len(found))
	for s := range found {
		list = append(list, s)
	}
	// A secret that holds another one goes first.
	slices.SortFunc(list, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return list
}

// kindNames are those of values that say of which kind something is: they stand in other texts for other reasons.
var kindNames = []string{"algorithm", "module", "handler", "type", "format", "provider", "level", "policy"}

func secretText(s string, at []string) bool {
	name := last(at)
	return secretName(name) || hidden(at) && !slices.Contains(kindNames, name) || lookingRandom(s) || !isName(s) && !isFile(s)
}

// secretKey reports whether a key is a secret, or names somebody. at is the path to its value.
func secretKey(at []string) bool {
	if shownKey(at) {
		return false
	}
	key := at[len(at)-1]
	return strings.Contains(key, "@") || lookingRandom(key) ||
		hidden(at[:len(at)-1]) && !field.MatchString(key) && !headerName.MatchString(key)
}

// headerName is how headers are written, and names of variables.
var headerName = regexp.MustCompile(`^([A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)*|[A-Z][A-Z_]*)$`)

// Replacer masks secrets wherever they stand in a text, as they are and as JSON writes them; of an address its kind is
// shown.
func Replacer(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		for _, form := range forms(s) {
			pairs = append(pairs, form, standIn(s))
		}
	}
	return strings.NewReplacer(pairs...)
}

func forms(s string) []string {
	list := []string{s}
	raw, err := json.Marshal(s)
	if err != nil {
		return list
	}
	escaped := string(raw[1 : len(raw)-1])
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(escaped)
	for _, form := range []string{escaped, plain} {
		if !slices.Contains(list, form) {
			list = append(list, form)
		}
	}
	return list
}
