package forms

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

func TestSignatures(t *testing.T) {
	sum := bytes.Repeat([]byte{0xfb, 0xef, 0x12, 0xa0}, 8)
	digits := hex.EncodeToString(sum)
	std, safe := base64.StdEncoding.EncodeToString(sum), base64.URLEncoding.EncodeToString(sum)
	other := strings.Repeat("a", 64)
	for name, tt := range map[string]struct{ header, names string }{
		"as Smartcar":       {digits, ""},
		"capitals":          {strings.ToUpper(digits), ""},
		"prefix":            {"sha256=" + digits, "with sha256= before it"},
		"prefix, capitals":  {"SHA256=" + strings.ToUpper(digits), "with sha256= before it"},
		"the whole line":    {"SC-Signature: " + digits + "\r\n", "with blanks around it; with sc-signature: before it; with blanks around it"},
		"quotes":            {`"` + digits + `"`, "in quotes or brackets"},
		"blanks and quotes": {" '" + digits + "' ", "with blanks around it; in quotes or brackets"},
		"prefix in quotes":  {`"sha256=` + digits + `"`, "in quotes or brackets; with sha256= before it"},
		"quotes in prefix":  {`sha256="` + digits + `"`, "in quotes or brackets; with sha256= before it; in quotes or brackets"},
		"base64":            {std, "in base64"},
		"base64, unpadded":  {strings.TrimRight(std, "="), "in base64"},
		"base64url":         {safe, "in base64"},
		"base64url, bare":   {strings.TrimRight(safe, "="), "in base64"},
		"prefix, base64":    {"sha256=" + std, "with sha256= before it; in base64"},
		"digits in base64":  {base64.StdEncoding.EncodeToString([]byte(digits)), "with its hexadecimal digits in base64"},
		"URL":               {url.QueryEscape(std), "escaped as in a URL; in base64"},
		"colons":            {strings.TrimSuffix(strings.ReplaceAll(digits, "fb", "fb:"), ":"), "with something between its digits"},
		"one of two":        {other + ", " + digits, "one of several in the header; with blanks around it"},
		"key and value":     {"t=1763626510,v1=" + digits, "one of several in the header; with v1= before it"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range Signatures(tt.header) {
				if bytes.Equal(s.Sum[:], sum) {
					if got := strings.Join(s.Names, "; "); got != tt.names {
						t.Errorf("got %q, want %q", got, tt.names)
					}
					return
				}
			}
			t.Error("it was not found")
		})
	}
	for header, why := range map[string]string{
		"": "is empty", "\n\n": "is empty", "abc": "fewer than 64", digits[:63]: "fewer than 64", digits + "a": "more than 64",
		digits[:40]: "SHA-1", digits[:32]: "MD5", digits + digits: "SHA-512", "hello": "nor anything else", std[:40]: "nor anything else",
	} {
		if found := Signatures(header); len(found) > 0 {
			t.Errorf("%q holds %v", header, found)
		}
		if got := NotASignature(header); !strings.Contains(got, why) || len(header) > 2 && strings.Contains(got, header) {
			t.Errorf("%q: %q, want %q", header, got, why)
		}
	}
}

// FuzzSignatures: whatever comes, few signatures are found, each once, and what receivers take under no name.
func FuzzSignatures(f *testing.F) {
	digits := strings.Repeat("0a", 32)
	for _, header := range []string{digits, "sha256=" + digits, `"` + digits + `"`, "a,b;" + digits, "%41" + digits, "0x" + digits, ""} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		found := Signatures(header)
		if len(found) > maxSignatures {
			t.Fatalf("%d signatures", len(found))
		}
		known := make(map[[32]byte]bool)
		for _, s := range found {
			if known[s.Sum] {
				t.Fatal("one comes twice")
			}
			known[s.Sum] = true
			if (len(s.Names) == 0) != strings.EqualFold(hex.EncodeToString(s.Sum[:]), header) {
				t.Fatalf("%q is %q", header, s.Names)
			}
		}
		if why := NotASignature(header); why == "" || len(header) > 8 && strings.Contains(why, header) {
			t.Fatalf("%q", why)
		}
	})
}
