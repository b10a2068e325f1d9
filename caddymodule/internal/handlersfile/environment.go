package handlersfile

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// scope resolves references to environment variables.
type scope struct {
	// values are those that were referred to and are set.
	values map[string]cty.Value
	diags  hcl.Diagnostics
}

// resolve looks up what the traversals refer to. Only env.NAME is possible, and
// only what is referred to is looked up.
func resolve(references []hcl.Traversal) scope {
	s := scope{values: make(map[string]cty.Value)}
	for _, reference := range references {
		s.add(reference)
	}
	return s
}

func (s *scope) add(t hcl.Traversal) {
	root := t.RootName()
	if root != "env" {
		// The name is not repeated: it may be a secret that lacks its quotes.
		s.errorf(t.SourceRange(), "Name in place of a value",
			"Only env.NAME, an environment variable, can be referred to here. A text stands in quotes.%s", text.DidYouMean(root, []string{"env"}))
		return
	}
	if len(t) != 2 {
		s.errorf(t.SourceRange(), "Wrong reference", "An environment variable is referred to as env.NAME.")
		return
	}
	var name string
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		name = step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			name = step.Key.AsString()
		}
	}
	if !variableName.MatchString(name) {
		s.errorf(t.SourceRange(), "Wrong reference", "An environment variable is referred to as env.NAME.")
		return
	}
	value, ok := os.LookupEnv(name)
	if !ok {
		s.errorf(t.SourceRange(), "Environment variable not set", "The environment variable %s is not set for this process.", name)
		s.values[name] = cty.UnknownVal(cty.String)
		return
	}
	s.values[name] = cty.StringVal(value)
}

func (s *scope) errorf(at hcl.Range, summary, detail string, args ...any) {
	s.diags = append(s.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at,
	})
}

func (s *scope) context() *hcl.EvalContext {
	return &hcl.EvalContext{Variables: map[string]cty.Value{"env": cty.ObjectVal(s.values)}}
}

// with returns the scope's diagnostics followed by those of an evaluation in it,
// without those that repeat one of the scope's.
func (s *scope) with(evaluation hcl.Diagnostics) hcl.Diagnostics {
	diags := s.diags
	for _, d := range evaluation {
		repeated := false
		for _, known := range s.diags {
			if d.Subject != nil && d.Subject.Overlaps(*known.Subject) {
				repeated = true
			}
		}
		if !repeated {
			diags = append(diags, d)
		}
	}
	return diags
}

// references lists what the attributes of a body refer to, at any depth.
func references(body *hclsyntax.Body) []hcl.Traversal {
	var found []hcl.Traversal
	eachAttribute(body, func(attr *hclsyntax.Attribute) {
		found = append(found, attr.Expr.Variables()...)
	})
	return found
}

// eachAttribute visits the attributes of a body and of the blocks in it.
func eachAttribute(body *hclsyntax.Body, visit func(*hclsyntax.Attribute)) {
	for _, attr := range body.Attributes {
		visit(attr)
	}
	for _, block := range body.Blocks {
		eachAttribute(block.Body, visit)
	}
}

// env reads the attribute env.
func (l *loader) env(attr *hcl.Attribute) map[string]string {
	if attr == nil {
		return nil
	}
	pairs, diags := hcl.ExprMap(attr.Expr)
	if diags.HasErrors() {
		l.errorf(attr.Expr.Range(), "Wrong type", `env is written as { NAME = "value", OTHER = env.OTHER }.`)
		return nil
	}

	env := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		name, ok := l.envName(pair.Key)
		if !ok {
			continue
		}
		if _, ok := env[name]; ok {
			l.errorf(pair.Key.Range(), "Duplicate environment variable", "%s is set twice.", name)
			continue
		}
		env[name] = l.envValue(name, pair.Value)
	}
	return env
}

func (l *loader) envName(key hcl.Expression) (string, bool) {
	value, diags := key.Value(nil)
	if diags.HasErrors() || value.IsNull() || !value.IsKnown() || value.Type() != cty.String {
		l.errorf(key.Range(), "Wrong environment variable", "A variable's name is made of letters, digits and _.")
		return "", false
	}
	name := value.AsString()
	if !variableName.MatchString(name) {
		l.errorf(key.Range(), "Wrong environment variable", "A variable's name is made of letters, digits and _, and does not begin with a digit.")
		return "", false
	}
	if strings.HasPrefix(name, "PLUGIN_") {
		l.errorf(key.Range(), "Reserved environment variable", "Variables whose names begin with PLUGIN_ belong to the protocol between this program and its plugins.")
		return "", false
	}
	return name, true
}

func (l *loader) envValue(name string, expr hcl.Expression) string {
	s := resolve(expr.Variables())
	value, diags := expr.Value(s.context())
	l.diags = append(l.diags, s.with(diags)...)
	if diags.HasErrors() || !value.IsKnown() {
		return ""
	}
	if value.IsNull() {
		l.errorf(expr.Range(), "Missing value", `%s has no value. An empty one is "".`, name)
		return ""
	}
	text, err := convert.Convert(value, cty.String)
	if err != nil || !text.IsKnown() {
		l.errorf(expr.Range(), "Wrong type", "%s wants a text; this is %s.", name, article(value.Type()))
		return ""
	}
	if strings.ContainsRune(text.AsString(), 0) {
		l.errorf(expr.Range(), "Wrong value", "The value of %s holds a zero byte, which no program can be given.", name)
		return ""
	}
	return text.AsString()
}
