package notify

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode"

	"github.com/agext/levenshtein"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// The templates of a config that has none.
const (
	defaultTitle = `{{ if eq .Mode "TEST" }}Test: {{ end }}` +
		`{{ if eq .Kind "resolved" }}Resolved: {{ end }}{{ .Code }}, vehicle {{ .Vehicle }}`
	defaultText = `{{ .Message }}
{{- with .Type }}
Error: {{ . }} {{ $.Code }}{{ end }}
Source: {{ .Source }}
{{- if .ResolutionURL }}
What helps: {{ .Resolution }} {{ .ResolutionURL }}
{{- else if .Resolution }}
What helps: {{ .Resolution }}{{ end }}
{{- with .DocURL }}
More: {{ . }}{{ end }}
`
)

const (
	// mostTitle and mostText bound what a template gives, in characters.
	mostTitle = 200
	mostText  = 3000
	// mostOutput ends a template that gives more, in bytes.
	mostOutput = 64 << 10
	// mostTemplate bounds a template itself, in bytes.
	mostTemplate = 16 << 10
)

// templates make messages of facts.
type templates struct {
	condition, title, text *template.Template
}

// newTemplates parses the templates of a config and tries each on samples.
func newTemplates(c config) (*templates, error) {
	t := &templates{}
	var errs []error
	for _, in := range []struct {
		name, own, otherwise string
		to                   **template.Template
	}{
		{"condition", c.Condition, "", &t.condition},
		{"title", c.Title, defaultTitle, &t.title},
		{"text", c.Text, defaultText, &t.text},
	} {
		source := in.own
		if source == "" {
			source = in.otherwise
		}
		if source == "" {
			continue
		}
		parsed, err := parseTemplate(in.name, source)
		if err != nil {
			errs = append(errs, sdk.ConfigError(in.name, "Not a template that can be used", err.Error()))
			continue
		}
		*in.to = parsed
	}
	return t, errors.Join(errs...)
}

func parseTemplate(name, source string) (*template.Template, error) {
	if len(source) > mostTemplate {
		return nil, fmt.Errorf("it has more than %d bytes", mostTemplate)
	}
	t, err := template.New(name).Funcs(functions(facts{})).Parse(source)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	if len(t.Templates()) > 1 || t.Tree == nil {
		return nil, errors.New("it defines another template; write it as one")
	}
	if err := errors.Join(checkFields(t.Root), checkLoops(t.Root)); err != nil {
		return nil, err
	}
	for _, sample := range samples() {
		if _, err := execute(t, sample); err != nil && !errors.Is(err, errAbsent) {
			return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
		}
		if name == "condition" {
			if _, err := holds(t, sample); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// fieldNames are the fields that a template may name.
var fieldNames = func() (names []string) {
	for f := range reflect.TypeFor[facts]().Fields() {
		if f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names
}()

// checkFields finds fields that there are not, also in a branch that no sample goes through. No field of facts has
// fields itself, so each .Name is one of facts.
func checkFields(n parse.Node) error {
	var wrong error
	walk(n, func(n parse.Node) {
		var name string
		switch n := n.(type) {
		case *parse.FieldNode:
			name = n.Ident[0]
		case *parse.VariableNode:
			if n.Ident[0] != "$" || len(n.Ident) == 1 {
				return
			}
			name = n.Ident[1]
		case *parse.TemplateNode:
			wrong = errors.New("it calls another template; write it as one")
			return
		default:
			return
		}
		if wrong == nil && !slices.Contains(fieldNames, name) {
			wrong = fmt.Errorf("there is no .%s.%s There is: .%s", name, suggestion(name), strings.Join(fieldNames, ", ."))
		}
	})
	return wrong
}

func suggestion(name string) string {
	for _, known := range fieldNames {
		if levenshtein.Distance(strings.ToLower(name), strings.ToLower(known), nil) <= 2 {
			return " Did you mean ." + known + "?"
		}
	}
	return ""
}

// checkLoops lets range go over .Signals alone, and once: it takes numbers too, and a loop over one from outside, such
// as .Year, or over a large one, would go on for ever without giving anything.
func checkLoops(root parse.Node) error {
	var wrong error
	walk(root, func(n parse.Node) {
		loop, ok := n.(*parse.RangeNode)
		if !ok {
			return
		}
		if over := loop.Pipe.Cmds; len(over) != 1 || over[0].String() != ".Signals" && over[0].String() != "$.Signals" {
			wrong = errors.New("range goes over .Signals only")
		}
		walk(loop.List, func(n parse.Node) {
			if _, ok := n.(*parse.RangeNode); ok {
				wrong = errors.New("a range is in another: one can be after another only")
			}
		})
	})
	return wrong
}

// walk visits a node and all below it.
func walk(n parse.Node, visit func(parse.Node)) {
	if n == nil || reflect.ValueOf(n).IsNil() {
		return
	}
	visit(n)
	branch := func(b parse.BranchNode) {
		walk(b.Pipe, visit)
		walk(b.List, visit)
		walk(b.ElseList, visit)
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			walk(c, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			walk(c, visit)
		}
	case *parse.CommandNode:
		for _, c := range n.Args {
			walk(c, visit)
		}
	case *parse.ChainNode:
		walk(n.Node, visit)
	case *parse.IfNode:
		branch(n.BranchNode)
	case *parse.WithNode:
		branch(n.BranchNode)
	case *parse.RangeNode:
		branch(n.BranchNode)
	}
}

// errTooMuch ends a template whose output has no end.
var errTooMuch = fmt.Errorf("it gives more than %d bytes", mostOutput)

// bounded keeps what is written, up to mostOutput.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > mostOutput {
		return 0, errTooMuch
	}
	return b.Builder.Write(p)
}

// execute runs a template. Its functions read the signals of these facts.
func execute(t *template.Template, f facts) (string, error) {
	clone, err := t.Clone()
	if err != nil {
		return "", err
	}
	var out bounded
	if err := clone.Funcs(functions(f)).Execute(&out, f); err != nil {
		return "", err
	}
	return out.String(), nil
}

// holds reports whether a condition gives true. One that reads a number that is not there does not hold.
func holds(t *template.Template, f facts) (bool, error) {
	out, err := execute(t, f)
	if errors.Is(err, errAbsent) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch out = strings.TrimSpace(out); out {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, errors.New(`it must give "true" or "false", as {{ lt (number "charge-voltage") 200 }} does`)
}

// write makes title and text. Where a template cannot be run on these facts, the default one says it: people must be
// told.
func (t *templates) write(f facts) (title, text string, failed bool) {
	title, err := execute(t.title, f)
	if err != nil {
		title, _ = execute(standard.title, f)
	}
	text, errText := execute(t.text, f)
	if errText != nil {
		text, _ = execute(standard.text, f)
	}
	title = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, title)
	return clip(strings.TrimSpace(title), mostTitle), clip(text, mostText), err != nil || errText != nil
}

// standard are the default templates.
var standard = func() *templates {
	t, err := newTemplates(config{})
	if err != nil {
		panic(err)
	}
	return t
}()
