package masking

import (
	"encoding/json"
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
				walk(element, append(at[:len(at):len(at)], key))
			}
		case []any:
			for i, element := range v {
				walk(element, append(at[:len(at):len(at)], strconv.Itoa(i)))
			}
		case string:
			if len(v) >= leastSecret && !mayShow(v, at) && (secretName(last(at)) || lookingRandom(v) || !isName(v) && !isFile(v)) {
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

// Replacer masks secrets wherever they stand in a text, as they are and as JSON writes them.
func Replacer(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		for _, form := range forms(s) {
			pairs = append(pairs, form, Masked)
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
