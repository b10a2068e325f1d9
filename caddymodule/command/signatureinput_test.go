package command

import (
	"strings"
	"testing"
)

func TestParseDump(t *testing.T) {
	for name, tt := range map[string]struct{ dump, body, signature, err string }{
		"as on the wire":  {"POST / HTTP/1.1\r\nSC-Signature: ab\r\nContent-Length: 8\r\n\r\n{\"a\":1}\n", "{\"a\":1}\n", "ab", ""},
		"a line end more": {"POST / HTTP/1.1\nsc-signature: ab\ncontent-length: 7\n\n{\"a\":1}\n", `{"a":1}`, "ab", ""},
		"without length":  {"sc-signature: ab\n\n{\"a\":1}\n", "{\"a\":1}\n", "ab", ""},
		"curl":            {"> POST / HTTP/1.1\n> SC-Signature:  sha256=ab \n>\n{}", "{}", "sha256=ab", ""},
		"HTTP/2":          {":method: POST\nsc-signature: ab\n\n{}", "{}", "ab", ""},
		"chunked":         {"sc-signature: ab\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "{}", "ab", ""},
		"chunked before":  {"sc-signature: ab\r\nTransfer-Encoding: chunked\r\n\r\n{}", "{}", "ab", ""},
		"two signatures":  {"sc-signature: ab\nsc-signature: cd\n\n{}", "{}", "ab, cd", ""},
		"an empty body":   {"sc-signature: ab\n\n", "", "ab", ""},
		"cut off":         {"sc-signature: ab\ncontent-length: 9\n\n{}", "", "", "Content-Length says 9 bytes, and there are 2"},
		"no number":       {"sc-signature: ab\ncontent-length: x\n\n{}", "", "", "is no number"},
		"no header":       {"POST / HTTP/1.1\n\n{}", "", "", "there is no header SC-Signature"},
		"a body only":     {"{}", "", "", "there is no header SC-Signature"},
		"empty":           {"", "", "", "there is no header SC-Signature"},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := parseDump([]byte(tt.dump))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || string(q.Body) != tt.body || q.Signature != tt.signature {
				t.Errorf("%q %q %v, want %q %q", q.Body, q.Signature, err, tt.body, tt.signature)
			}
		})
	}
}

// FuzzDump: a body out of a dump is a part of the dump, or was in chunks.
func FuzzDump(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nSC-Signature: ab\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("> sc-signature: ab\n> transfer-encoding: chunked\n>\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, dump []byte) {
		q, err := parseDump(dump)
		if err != nil {
			return
		}
		if len(q.Body) > len(dump) || !strings.Contains(strings.ToLower(string(dump)), "sc-signature") {
			t.Fatalf("%q", q.Body)
		}
	})
}
