package smartcar

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// SignatureHeader is the request header that holds the signature.
const SignatureHeader = "SC-Signature"

// minTokenLength is well below the 36 characters of the tokens that Smartcar gives
// out, and well above anything that could be guessed.
const minTokenLength = 16

// signatureLength is the length of a signature in hexadecimal digits.
const signatureLength = 2 * sha256.Size

// CheckToken reports why token cannot be an Application Management Token: it is
// empty, holds a blank or what cannot be printed, or is shorter than 16 characters.
// The error goes on from the token's name, as in "the token is empty", and does not
// contain the token.
func CheckToken(token string) error {
	if token == "" {
		return errors.New("is empty")
	}
	if strings.ContainsFunc(token, unprintable) {
		return errors.New("contains a blank, a line break or a character that cannot be printed;" +
			" a token is one word, so check the end of the variable or file")
	}
	if n := len(token); n < minTokenLength {
		return fmt.Errorf("is too short: %d characters, at least %d expected (Smartcar's tokens have 36)", n, minTokenLength)
	}
	return nil
}

func unprintable(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// Sign returns the signature of body under token, as Smartcar puts it into the
// header SC-Signature: 64 lower-case hexadecimal digits.
func Sign(token string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Keys holds the tokens that a receiver accepts. It is safe for concurrent use,
// and shows no token however it is printed.
type Keys struct {
	usable []bool
	states sync.Pool // of *signer
}

// signer is what one check needs, kept so that a check allocates nothing.
type signer struct {
	macs   []hash.Hash // nil for a token that is not usable
	header [signatureLength]byte
	want   [sha256.Size]byte
	sum    [sha256.Size]byte
}

// NewKeys returns the keys for tokens, the preferred one first. An empty token
// matches no signature; it never becomes an empty HMAC key. Use [CheckToken] to
// refuse such a token when it is configured.
func NewKeys(tokens ...string) *Keys {
	tokens = append([]string(nil), tokens...)
	k := &Keys{usable: make([]bool, len(tokens))}
	for i, token := range tokens {
		k.usable[i] = token != ""
	}
	k.states.New = func() any { return newSigner(tokens) }
	return k
}

func newSigner(tokens []string) *signer {
	s := &signer{macs: make([]hash.Hash, len(tokens))}
	for i, token := range tokens {
		if token != "" {
			s.macs[i] = hmac.New(sha256.New, []byte(token))
		}
	}
	return s
}

// Len is the number of tokens.
func (k *Keys) Len() int { return len(k.usable) }

// Equal reports whether other holds the same tokens in the same order. It tells by
// what both sign, and keeps nothing of a token.
func (k *Keys) Equal(other *Keys) bool {
	if k == other {
		return true
	}
	if !slices.Equal(k.usable, other.usable) {
		return false
	}
	var nonce [sha256.Size]byte
	_, _ = rand.Read(nonce[:]) // never fails: it ends the process instead
	a, b := k.states.Get().(*signer), other.states.Get().(*signer)
	defer k.states.Put(a)
	defer other.states.Put(b)
	equal := 1
	for i, usable := range k.usable {
		if usable {
			equal &= subtle.ConstantTimeCompare(a.sign(i, nonce[:]), b.sign(i, nonce[:]))
		}
	}
	return equal == 1
}

// Verify reports whether signature is that of body under one of the tokens, and
// which: the lowest position that matches, -1 where none does. The time it takes
// depends neither on the tokens nor on which of them matches. A signature that is
// missing, not hexadecimal or not 64 digits long matches nothing; upper-case
// digits are accepted.
func (k *Keys) Verify(body []byte, signature string) (index int, ok bool) {
	if len(signature) != signatureLength {
		return -1, false
	}
	s := k.states.Get().(*signer)
	defer k.states.Put(s)
	copy(s.header[:], signature)
	if _, err := hex.Decode(s.want[:], s.header[:]); err != nil {
		return -1, false
	}
	index = -1
	for i := len(s.macs) - 1; i >= 0; i-- {
		if s.macs[i] == nil {
			continue
		}
		equal := subtle.ConstantTimeCompare(s.sign(i, body), s.want[:])
		index = subtle.ConstantTimeSelect(equal, i, index)
	}
	return index, index >= 0
}

// VerifyEach is [Keys.Verify] for several signatures of one body, each by its 32
// bytes: the position for each of them, -1 where no token matches. Body is signed
// once with each token, however many signatures there are.
func (k *Keys) VerifyEach(body []byte, signatures [][sha256.Size]byte) (indexes []int) {
	indexes = make([]int, len(signatures))
	for n := range indexes {
		indexes[n] = -1
	}
	s := k.states.Get().(*signer)
	defer k.states.Put(s)
	for i := len(s.macs) - 1; i >= 0; i-- {
		if s.macs[i] == nil {
			continue
		}
		sum := s.sign(i, body)
		for n := range signatures {
			equal := subtle.ConstantTimeCompare(sum, signatures[n][:])
			indexes[n] = subtle.ConstantTimeSelect(equal, i, indexes[n])
		}
	}
	return indexes
}

// Sign returns the signature of body under the first usable token, "" if there is
// none. It is [Sign] without its allocations.
func (k *Keys) Sign(body []byte) string {
	for i, usable := range k.usable {
		if !usable {
			continue
		}
		s := k.states.Get().(*signer)
		defer k.states.Put(s)
		hex.Encode(s.header[:], s.sign(i, body))
		return string(s.header[:])
	}
	return ""
}

// sign returns the HMAC of body under token i; it is valid until the next call.
func (s *signer) sign(i int, body []byte) []byte {
	mac := s.macs[i]
	mac.Reset()
	mac.Write(body)
	return mac.Sum(s.sum[:0])
}

// String says how many tokens there are, and nothing else.
func (k *Keys) String() string {
	if k == nil {
		return "smartcar.Keys(none)"
	}
	return fmt.Sprintf("smartcar.Keys(%d redacted)", len(k.usable))
}

// GoString is String: %#v shows no token either.
func (k *Keys) GoString() string { return k.String() }

// Format writes String for every verb, as some verbs would pass the Stringer by.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue is String.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
