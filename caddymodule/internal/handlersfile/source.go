package handlersfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// source is one handlers file.
type source struct {
	// name is as the user gave it; folder is absolute.
	name, folder string
	file         *hcl.File
	// body is nil where the file has syntax errors: what a parser makes of the rest
	// would lead to messages about mistakes that nobody made.
	body *hclsyntax.Body
	// plain are values that the plugins' schemas say are no secrets.
	plain []hcl.Range
}

// readSource reads and parses a file. It returns nil where there is nothing to show.
func readSource(name string) (*source, hcl.Diagnostics) {
	content, err := readFile(name)
	if err != nil {
		return nil, hcl.Diagnostics{unreadable(name, err)}
	}
	absolute, err := filepath.Abs(name)
	if err != nil {
		return nil, hcl.Diagnostics{unreadable(name, err)}
	}
	src := &source{name: name, folder: filepath.Dir(absolute), file: &hcl.File{Bytes: content}}
	if len(content) > maxFileSize {
		src.file.Bytes = nil
		return src, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Handlers file too large",
			Detail:  fmt.Sprintf("A handlers file may have up to %d KiB. Split it, and name the folder.", maxFileSize>>10),
			Subject: &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	if d := excessive(content, name); d != nil {
		return src, hcl.Diagnostics{d}
	}

	file, diags := hclsyntax.ParseConfig(content, name, hcl.InitialPos)
	if diags.HasErrors() {
		return src, diags
	}
	src.file = file
	src.body = file.Body.(*hclsyntax.Body)
	return src, diags
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	return content, nil
}

// hugeNumber is a number with an exponent of four digits or more. Written out, as
// HCL does when it makes a text of it, one can fill the memory.
var hugeNumber = regexp.MustCompile(`[eE][+-]?0*[1-9][0-9]{3,}$`)

// excessive refuses what would need more stack or memory than a parser should ask for.
func excessive(content []byte, name string) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexConfig(content, name, hcl.InitialPos)
	depth, run, choices := 0, 0, 0
	for _, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd:
			depth = max(depth-1, 0)
		case hclsyntax.TokenQuestion:
			choices++
		case hclsyntax.TokenNewline:
			choices = 0
		}
		if token.Type == hclsyntax.TokenNumberLit && hugeNumber.Match(token.Bytes) {
			return &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Number out of range",
				Detail: "The exponent of a number has up to three digits.", Subject: &token.Range,
			}
		}
		if token.Type == hclsyntax.TokenBang || token.Type == hclsyntax.TokenMinus {
			run++
		} else {
			run = 0
		}
		if max(depth, run, choices) > maxNesting {
			return &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Nested too deeply",
				Detail:  fmt.Sprintf("Brackets and operators may be nested up to %d levels.", maxNesting),
				Subject: &token.Range,
			}
		}
	}
	return nil
}
