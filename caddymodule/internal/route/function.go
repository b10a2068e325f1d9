package route

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// builtin is a function that an expression may call. All are pure and give a
// result for every argument of the right kind.
type builtin struct {
	params []param
	// variadic: the last parameter may be given any number of times, at least once.
	variadic bool
	result   kind
	impl     function.Function
}

type param struct {
	name string
	kind kind
	// literal, when set, wants the text written out in the expression, and checks it
	// while the file is loaded.
	literal func(string) error
}

var builtins = map[string]builtin{
	"contains": {
		params: []param{{name: "list", kind: kindTexts}, {name: "text", kind: kindText}},
		result: kindBool, impl: containsFunc,
	},
	"strcontains": {
		params: []param{{name: "text", kind: kindText}, {name: "part", kind: kindText}},
		result: kindBool, impl: textPredicate(strings.Contains),
	},
	"startswith": {
		params: []param{{name: "text", kind: kindText}, {name: "prefix", kind: kindText}},
		result: kindBool, impl: textPredicate(strings.HasPrefix),
	},
	"endswith": {
		params: []param{{name: "text", kind: kindText}, {name: "suffix", kind: kindText}},
		result: kindBool, impl: textPredicate(strings.HasSuffix),
	},
	"matches": {
		params: []param{{name: "pattern", kind: kindText, literal: checkPattern}, {name: "text", kind: kindText}},
		result: kindBool, // impl is made per expression: matchesFunc
	},
	"lower": {
		params: []param{{name: "text", kind: kindText}},
		result: kindText, impl: stdlib.LowerFunc,
	},
	"upper": {
		params: []param{{name: "text", kind: kindText}},
		result: kindText, impl: stdlib.UpperFunc,
	},
	"length": {
		params: []param{{name: "text", kind: kindText}},
		result: kindNumber, impl: lengthFunc,
	},
	"coalesce": {
		params: []param{{name: "text", kind: kindText}}, variadic: true,
		result: kindText, impl: coalesceFunc,
	},
	"unixtime": {
		params: []param{{name: "timestamp", kind: kindText, literal: checkTimestamp}},
		result: kindNumber, impl: unixtimeFunc,
	},
}

// alternatives says what to use in place of functions that people look for.
var alternatives = map[string]string{
	"regex":      ` To match a pattern use matches("pattern", text).`,
	"regexall":   ` To match a pattern use matches("pattern", text).`,
	"match":      ` Did you mean "matches"?`,
	"substr":     " To look at a part of a text use startswith, endswith or strcontains.",
	"hasprefix":  ` Did you mean "startswith"?`,
	"hassuffix":  ` Did you mean "endswith"?`,
	"strlen":     ` Did you mean "length"?`,
	"len":        ` Did you mean "length"?`,
	"tolower":    ` Did you mean "lower"?`,
	"toupper":    ` Did you mean "upper"?`,
	"in":         " To look into a list use contains(list, text).",
	"can":        " Nothing in a when expression can fail, so there is nothing to guard.",
	"try":        " Nothing in a when expression can fail, so there is nothing to guard.",
	"now":        " A when expression cannot ask the clock: the same event always has the same answer.",
	"timestamp":  ` A fixed time is unixtime("2026-01-31T00:00:00Z"); the clock cannot be asked.`,
	"env":        " The environment cannot be asked in a when expression.",
	"jsondecode": " A when expression sees the envelope only, not the body.",
}

func builtinNames() []string {
	return []string{
		"coalesce", "contains", "endswith", "length", "lower",
		"matches", "startswith", "strcontains", "unixtime", "upper",
	}
}

func checkPattern(pattern string) error {
	if _, err := regexp.Compile(pattern); err != nil {
		return fmt.Errorf("reading the pattern: %w", err)
	}
	return nil
}

func checkTimestamp(timestamp string) error {
	if _, err := time.Parse(time.RFC3339, timestamp); err != nil {
		return fmt.Errorf(`%q is not a time as in "2026-01-31T00:00:00Z" (RFC 3339)`, timestamp)
	}
	return nil
}

// runes counts characters (Unicode code points).
func runes(s string) int64 { return int64(utf8.RuneCountInString(s)) }

func textParams(names ...string) []function.Parameter {
	params := make([]function.Parameter, len(names))
	for i, name := range names {
		params[i] = function.Parameter{Name: name, Type: cty.String}
	}
	return params
}

func textPredicate(holds func(text, other string) bool) function.Function {
	return function.New(&function.Spec{
		Params: textParams("text", "other"),
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(holds(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

var containsFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.List(cty.String)}, {Name: "text", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		for _, element := range args[0].Elements() {
			if element.Equals(args[1]).True() {
				return cty.True, nil
			}
		}
		return cty.False, nil
	},
})

var lengthFunc = function.New(&function.Spec{
	Params: textParams("text"),
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.NumberIntVal(runes(args[0].AsString())), nil
	},
})

var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "texts", Type: cty.String},
	Type:     function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		for _, arg := range args {
			if arg.AsString() != "" {
				return arg, nil
			}
		}
		return cty.StringVal(""), nil
	},
})

var unixtimeFunc = function.New(&function.Spec{
	Params: textParams("timestamp"),
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		t, err := time.Parse(time.RFC3339, args[0].AsString())
		if err != nil {
			return cty.NilVal, fmt.Errorf("reading the time: %w", err)
		}
		return cty.NumberIntVal(t.Unix()), nil
	},
})

// matchesFunc is the function matches over the patterns of one expression, which
// were compiled when it was checked.
func matchesFunc(patterns map[string]*regexp.Regexp) function.Function {
	return function.New(&function.Spec{
		Params: textParams("pattern", "text"),
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			pattern, ok := patterns[args[0].AsString()]
			if !ok {
				return cty.NilVal, fmt.Errorf("pattern was not seen when the expression was checked")
			}
			return cty.BoolVal(pattern.MatchString(args[1].AsString())), nil
		},
	})
}

// functions is what the HCL evaluator may call for one expression.
func functions(patterns map[string]*regexp.Regexp) map[string]function.Function {
	all := make(map[string]function.Function, len(builtins))
	for name, b := range builtins {
		all[name] = b.impl
	}
	all["matches"] = matchesFunc(patterns)
	return all
}
