package handlersfile

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/masking"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// maskedValue stands where a value was.
const maskedValue = "***"

// Shown returns a handlers file for eyes that may see no secret: its blocks, the names of its attributes, the names of
// environment variables, and the values of a handler's own attributes as far as they have the form that belongs there.
// In when only words of Smartcar's are shown, since a text there may be the id of a vehicle. All other values, and all
// comments, are masked whatever their length. Of a file that cannot be parsed only the words are shown that belong into
// any handlers file. Errors say nothing of what is in the file.
func Shown(name string) (string, error) {
	content, err := readFile(name)
	if err != nil {
		return "", err
	}
	if len(content) > maxFileSize {
		return "", fmt.Errorf("it has more than %d KiB", maxFileSize>>10)
	}
	return shownText(content), nil
}

func shownText(content []byte) string {
	if notText(content, "") != nil {
		return maskedValue + "\n"
	}
	tokens, _ := hclsyntax.LexConfig(content, "", hcl.InitialPos)
	show := func(token hclsyntax.Token) bool {
		return token.Type != hclsyntax.TokenIdent || commonWord(string(token.Bytes))
	}
	literals := map[int]form{}
	if body := parsed(content); body != nil {
		var names map[int]bool
		literals, names = shownPlaces(body)
		show = func(token hclsyntax.Token) bool {
			word := string(token.Bytes)
			return token.Type != hclsyntax.TokenIdent || commonWord(word) ||
				names[token.Range.Start.Byte] && attrName.MatchString(word)
		}
	}
	return rewrite(content, tokens, func(i int) bool {
		token := tokens[i]
		if token.Type == hclsyntax.TokenComment {
			return false
		}
		if belongs := literals[token.Range.Start.Byte]; belongs != nil && belongs(string(token.Bytes)) {
			return true
		}
		if isReference(tokens, i) {
			return true
		}
		return !isLiteral(token.Type) && show(token)
	})
}

// parsed returns the body of a file, nil where it cannot be had.
func parsed(content []byte) *hclsyntax.Body {
	if excessive(content, "") != nil {
		return nil
	}
	file, diags := hclsyntax.ParseConfig(content, "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	return file.Body.(*hclsyntax.Body)
}

// rewrite copies the tokens that are shown with the blanks between all; those in a row that are not become one mask.
func rewrite(content []byte, tokens hclsyntax.Tokens, shown func(i int) bool) string {
	var b strings.Builder
	at, masked := 0, false
	for i, token := range tokens {
		between := content[min(at, token.Range.Start.Byte):token.Range.Start.Byte]
		if len(bytes.TrimSpace(between)) == 0 && (!masked || shown(i)) {
			b.Write(between)
		}
		at = token.Range.End.Byte
		switch {
		case shown(i):
			b.Write(token.Bytes)
			masked = false
		case token.Type == hclsyntax.TokenComment:
			if bytes.HasSuffix(token.Bytes, []byte("\n")) {
				b.WriteByte('\n')
			}
		case !masked:
			b.WriteString(maskedValue)
			masked = true
		}
	}
	return b.String()
}

func isLiteral(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenNumberLit, hclsyntax.TokenInvalid,
		hclsyntax.TokenBadUTF8, hclsyntax.TokenQuotedNewline, hclsyntax.TokenOHeredoc, hclsyntax.TokenCHeredoc:
		return true
	default:
		return false
	}
}

// isReference reports whether a token is the name of an environment variable in env.NAME.
func isReference(tokens hclsyntax.Tokens, i int) bool {
	return i >= 2 && tokens[i].Type == hclsyntax.TokenIdent && tokens[i-1].Type == hclsyntax.TokenDot &&
		tokens[i-2].Type == hclsyntax.TokenIdent && string(tokens[i-2].Bytes) == "env" && variable.MatchString(string(tokens[i].Bytes))
}

// form reports whether the text of a literal looks like what belongs to its place.
type form func(string) bool

var (
	variable    = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,63}$`)
	duration    = regexp.MustCompile(`^([0-9]{1,6}(\.[0-9]{1,3})?(ns|us|µs|ms|s|m|h|d|w)){1,4}$`)
	programPath = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,200}$`)
	label       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	smallNum    = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,2})?$`)
	attrName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,40}$`)
)

// shownPlaces returns where in a file literals of which form are shown, and where names are, by the offset of the token.
func shownPlaces(body *hclsyntax.Body) (literals map[int]form, names map[int]bool) {
	literals, names = map[int]form{}, map[int]bool{}
	within := func(at hcl.Range, is form) {
		for i := at.Start.Byte; i < at.End.Byte; i++ {
			literals[i] = is
		}
	}
	var walk func(body *hclsyntax.Body, own map[string]bool)
	walk = func(body *hclsyntax.Body, own map[string]bool) { // own are the attributes that are this project's; nil: at the top
		for name, attr := range body.Attributes {
			if attrName.MatchString(name) {
				names[attr.NameRange.Start.Byte] = true
			}
			if is := formOf(name); own[name] && is != nil {
				within(attr.Expr.Range(), is)
			}
			if own[name] && name == "when" {
				for _, variable := range attr.Expr.Variables() {
					if variable.RootName() != "event" {
						continue // a word without quotes may be anything
					}
					for i := variable.SourceRange().Start.Byte; i < variable.SourceRange().End.Byte; i++ {
						names[i] = true
					}
				}
			}
			if name == "env" && len(own) > 0 {
				nameKeys(attr.Expr, names)
			}
		}
		for _, block := range body.Blocks {
			if attrName.MatchString(block.Type) {
				names[block.TypeRange.Start.Byte] = true
			}
			if block.Type == "handler" && own == nil {
				for _, at := range block.LabelRanges {
					within(at, label.MatchString)
				}
				walk(block.Body, plainNames)
				continue
			}
			inner := map[string]bool{}
			if len(own) > 0 && ownBlocks[block.Type] {
				inner = plainNames
			}
			walk(block.Body, inner)
		}
	}
	walk(body, nil)
	return literals, names
}

// ownBlocks are the blocks of a handler whose attributes are this project's.
var ownBlocks = map[string]bool{"retry": true, "breaker": true, "batch": true, "signals": true}

// nameKeys has the names of variables shown that are the keys of an object.
func nameKeys(expr hclsyntax.Expression, names map[int]bool) {
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return
	}
	for _, item := range object.Items {
		key := hcl.ExprAsKeyword(item.KeyExpr)
		if variable.MatchString(key) {
			names[item.KeyExpr.Range().Start.Byte] = true
		}
	}
}

// formOf is that of an attribute of a handler, nil where nothing of it is shown.
func formOf(name string) form {
	switch name {
	case "when":
		return func(s string) bool { return knownWords()[s] || smallNum.MatchString(s) }
	case "plugin":
		return func(s string) bool { return programPath.MatchString(s) && !masking.ManyDigits(s) }
	case "sha256":
		return nil
	case "order":
		return oneOf(OrderVehicle, OrderNone)
	case "stale":
		return oneOf(StaleDeliver, StaleMark, StaleDrop)
	case "start":
		return func(s string) bool { return oneOf(StartNow, StartBeginning)(s) || isTime(s) }
	case "timeout", "min_delay", "max_delay", "cooldown", "max_wait":
		return duration.MatchString
	case "park_after":
		return func(s string) bool { return duration.MatchString(s) || smallNum.MatchString(s) }
	case "concurrency", "max_attempts", "failures", "max_events":
		return smallNum.MatchString
	default:
		return nil
	}
}

func oneOf[W ~string](words ...W) form {
	return func(s string) bool { return slices.Contains(words, W(s)) }
}

// isTime also knows times that start does not take, so that the mistake is seen.
func isTime(s string) bool {
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		return true
	}
	_, nearly := nearlyTime(s)
	return nearly
}

// commonWord reports whether a word belongs into any handlers file.
func commonWord(s string) bool {
	return plainNames[s] || plainLines[s] || ownBlocks[s] || slices.Contains([]string{
		"env", "args", "event", "true", "false", "null", "type", "mode", "source", "signals", "triggers", "any", "all", "contains", "for", "in", "if",
	}, s)
}

// knownWords are those of Smartcar that an expression may compare with.
var knownWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{
		smartcar.TypeVehicleState: true, "VEHICLE_ERROR": true, smartcar.ModeLive: true, smartcar.ModeTest: true, "live": true, "test": true,
		"SIGNAL_UPDATED": true, "ERROR": true, "RESOLVED": true, "SUCCESS": true,
	}
	for _, s := range smartcar.Signals() {
		words[s.Code] = true
	}
	for _, e := range smartcar.ErrorTypes() {
		words[e.Type] = true
		for _, code := range e.Codes {
			words[code] = true
		}
	}
	return words
})
