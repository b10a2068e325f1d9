package handlersfile

import (
	"bytes"
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
	if d := notText(content, name); d != nil {
		src.file.Bytes = nil
		return src, hcl.Diagnostics{d}
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

// notText refuses UTF-16, as some editors write it, and other files with zero bytes: every byte of
// theirs would be a mistake of its own.
func notText(content []byte, name string) *hcl.Diagnostic {
	what := ""
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}), bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		what = "This file is UTF-16."
	case bytes.IndexByte(content, 0) >= 0:
		what = "This file has a zero byte in it, so it is UTF-16 or no text."
	default:
		return nil
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Handlers file in another encoding",
		Detail:  what + " Save it as UTF-8.",
		Subject: &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
	}
}

// hugeNumber is a number with an exponent of four digits or more. Written out, as
// HCL does when it makes a text of it, one can fill the memory.
var hugeNumber = regexp.MustCompile(`[eE][+-]?0*[1-9][0-9]{3,}$`)

// excessive refuses what would need more stack or memory than a parser should ask for.
func excessive(content []byte, name string) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexConfig(content, name, hcl.InitialPos)
	depth, run, choices, splats := 0, 0, 0, 0
	for i, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd:
			depth = max(depth-1, 0)
		case hclsyntax.TokenQuestion:
			choices++
		case hclsyntax.TokenStar:
			// Each .* and [*] is a loop around what follows it, whatever lines they stand on.
			if i > 0 && (tokens[i-1].Type == hclsyntax.TokenOBrack || tokens[i-1].Type == hclsyntax.TokenDot) {
				splats++
			}
		case hclsyntax.TokenNewline:
			// In brackets an expression goes on.
			if depth == 0 {
				choices = 0
			}
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
		if max(depth, run, choices, splats) > maxNesting {
			return &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Nested too deeply",
				Detail:  fmt.Sprintf("Brackets and operators may be nested up to %d levels.", maxNesting),
				Subject: &token.Range,
			}
		}
	}
	return nil
}
