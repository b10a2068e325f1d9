package handlersfile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// fingerprint hashes what a definition means; see Definition.Fingerprint.
func fingerprint(d *Definition, when *hcl.Attribute, content []byte, executable fs.FileInfo) string {
	h := sha256.New()
	add(h, d.Name, d.Plugin, d.Command, d.SHA256, string(d.Order))
	add(h, d.Args...)
	add(h, fmt.Sprint(d.Concurrency, d.Timeout, d.Retry, d.Breaker, d.Batch, d.ParkAfter, d.Stale))
	if executable != nil {
		add(h, fmt.Sprint(executable.Size(), executable.ModTime().UnixNano()))
	}
	if when != nil {
		add(h, "when", canonical(content, when.Expr.Range()))
	}
	for _, name := range slices.Sorted(maps.Keys(d.Env)) {
		add(h, "env", name, d.Env[name])
	}
	if body, ok := d.Config.(*hclsyntax.Body); ok {
		addBody(h, body, content)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// add writes the texts so that no two different lists look the same.
func add(h hash.Hash, texts ...string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(texts)))
	h.Write(length[:])
	for _, text := range texts {
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
}

func addBody(h hash.Hash, body *hclsyntax.Body, content []byte) {
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		expr := body.Attributes[name].Expr
		add(h, "attribute", name, canonical(content, expr.Range()))
		s := resolve(expr.Variables())
		for _, variable := range slices.Sorted(maps.Keys(s.values)) {
			if value := s.values[variable]; value.IsKnown() {
				add(h, "value", variable, value.AsString())
			}
		}
	}
	for _, block := range body.Blocks {
		add(h, append([]string{"block", block.Type}, block.Labels...)...)
		addBody(h, block.Body, content)
		add(h, "end")
	}
}

// canonical is the source of an expression without comments and blanks.
func canonical(content []byte, at hcl.Range) string {
	tokens, _ := hclsyntax.LexExpression(at.SliceBytes(content), at.Filename, at.Start)
	var text strings.Builder
	for _, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenComment, hclsyntax.TokenNewline, hclsyntax.TokenEOF:
			continue
		}
		fmt.Fprintf(&text, "%d:%s ", len(token.Bytes), token.Bytes)
	}
	return text.String()
}
