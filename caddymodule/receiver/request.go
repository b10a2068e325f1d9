package receiver

import (
	"net/http"
	"strings"
)

// checkHead checks what can be refused before a byte of the body is read: method,
// content type and announced size, in this order.
func checkHead(r *http.Request, maxSize int64) *refusal {
	if r.Method != http.MethodPost {
		return refuseMethod
	}
	if !isJSON(r.Header["Content-Type"]) {
		return refuseContentType
	}
	if encoded(r.Header["Content-Encoding"]) {
		return refuseEncoding
	}
	if r.ContentLength > maxSize {
		return refuseSize
	}
	return nil
}

// isJSON accepts application/json in any case and with any parameters. A missing or
// repeated header is not accepted.
func isJSON(values []string) bool {
	if len(values) != 1 {
		return false
	}
	mediaType, _, _ := strings.Cut(values[0], ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/json")
}

// encoded reports whether the body's bytes are not those that were signed. Nothing is
// ever decompressed here.
func encoded(values []string) bool {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" && !strings.EqualFold(v, "identity") {
			return true
		}
	}
	return false
}

// signatureHeader is SC-Signature as net/http spells it.
const signatureHeader = "Sc-Signature"

// checkSignatureHeader checks the header's form. With none there is "" and no refusal:
// a VERIFY may come without. Several are refused, since another hop might choose the other one.
func checkSignatureHeader(r *http.Request) (string, *refusal) {
	values := r.Header[signatureHeader]
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return values[0], refuseSignatures
	}
	if !isHexDigest(values[0]) {
		return values[0], refuseMalformed
	}
	return values[0], nil
}

// isHexDigest: 32 bytes in hexadecimal, in either case.
func isHexDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
