package forms

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

const (
	// maxHeader is how many characters of a signature header are read.
	maxHeader = 4 << 10
	// maxSignatures is how many signatures may be read out of a header.
	maxSignatures = 16
)

// Signature is what a header may say.
type Signature struct {
	// Names are what was taken off the header, and how the signature was written there; none for 64 hexadecimal digits,
	// in small letters as Smartcar has them or in capitals: receivers take both.
	Names []string
	Sum   [sha256.Size]byte
}

// Signatures returns the signatures that a header may hold, each once; none where there is nothing of the length of
// one.
func Signatures(header string) []Signature {
	var list []Signature
	add := func(names []string, sum []byte) {
		s := Signature{Names: names, Sum: [sha256.Size]byte(sum)}
		for _, known := range list {
			if known.Sum == s.Sum {
				return
			}
		}
		if len(list) < maxSignatures {
			list = append(list, s)
		}
	}
	if len(header) > maxHeader {
		header = header[:maxHeader]
	}
	readSignature(header, nil, add)
	parts := strings.FieldsFunc(header, func(c rune) bool { return c == ',' || c == ';' })
	if len(parts) > 1 {
		for _, part := range parts {
			readSignature(part, []string{"one of several in the header"}, add)
		}
	}
	return list
}

// signaturePrefixes are what other services write before a signature, in small letters.
var signaturePrefixes = []string{
	"sc-signature:", "signature:", "signature=", "sha256=", "sha256:", "sha-256=", "hmac-sha256=", "hmac-sha256 ", "hmac ", "v0=", "v1=", "s=",
	"0x",
}

// readSignature takes what is around a signature off, and adds what is left.
func readSignature(s string, names []string, add func(names []string, sum []byte)) {
	named := func(name string) { names = append(names[:len(names):len(names)], name) }
	if strings.Contains(s, "%") {
		if plain, err := url.QueryUnescape(s); err == nil {
			s = plain
			named("escaped as in a URL")
		}
	}
	for range maxLayers {
		before := s
		if s = strings.TrimSpace(s); s != before {
			named("with blanks around it")
		}
		if bare := strings.Trim(s, "\"'`<>[]"); bare != s {
			s = bare
			named("in quotes or brackets")
		}
		for _, prefix := range signaturePrefixes {
			if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
				s = s[len(prefix):]
				named("with " + strings.TrimSpace(prefix) + " before it")
			}
		}
		if s == before {
			break
		}
	}
	if sum, err := hex.DecodeString(s); err == nil && len(sum) == sha256.Size {
		add(names, sum)
		return
	}
	apart := strings.NewReplacer(":", "", "-", "", " ", "").Replace(s)
	if sum, err := hex.DecodeString(apart); err == nil && len(sum) == sha256.Size {
		named("with something between its digits")
		add(names, sum)
		return
	}
	for _, e := range base64s {
		sum, err := e.DecodeString(s)
		if err != nil {
			continue
		}
		if len(sum) == sha256.Size {
			named("in base64")
			add(names, sum)
			return
		}
		if digits, err := hex.DecodeString(strings.TrimSpace(string(sum))); err == nil && len(digits) == sha256.Size {
			named("with its hexadecimal digits in base64")
			add(names, digits)
			return
		}
	}
}

// NotASignature says why a header that holds no signature is none, without showing it.
func NotASignature(header string) string {
	bare := strings.TrimSpace(header)
	_, err := hex.DecodeString(bare)
	digits := len(bare)
	switch {
	case bare == "":
		return "it is empty"
	case err == nil && digits == 32:
		return "it has 32 hexadecimal digits, as an MD5 sum has, and a signature has 64"
	case err == nil && digits == 40:
		return "it has 40 hexadecimal digits, as one with SHA-1 has, and Smartcar's has 64"
	case err == nil && digits == 128:
		return "it has 128 hexadecimal digits, as one with SHA-512 or two in a row have, and Smartcar's has 64"
	case strings.Trim(strings.ToLower(bare), lowerHex) == "" && digits < 2*sha256.Size:
		return "it has fewer than 64 hexadecimal digits: it was cut off"
	case strings.Trim(strings.ToLower(bare), lowerHex) == "":
		return "it has more than 64 hexadecimal digits"
	default:
		return "it is not 64 hexadecimal digits, nor anything else that a signature is written as"
	}
}
