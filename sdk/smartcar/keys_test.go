package smartcar

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	tokenA = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	tokenB = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
)

type vector struct {
	Name, Key, Body, HMACHex, Note string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 17 {
		t.Fatalf("%d vectors, want 17", len(all))
	}
	return all
}

// vectorBody returns the body of the vector of that name.
func vectorBody(t testing.TB, name string) []byte {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Name == name {
			return []byte(v.Body)
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			if got := Sign(v.Key, []byte(v.Body)); got != v.HMACHex {
				t.Errorf("Sign = %s, want %s", got, v.HMACHex)
			}
			keys := NewKeys("another-token-altogether", v.Key)
			for _, signature := range []string{v.HMACHex, strings.ToUpper(v.HMACHex)} {
				if i, ok := keys.Verify([]byte(v.Body), signature); i != 1 || !ok {
					t.Errorf("Verify(%s) = %d, %t, want 1, true", signature, i, ok)
				}
			}
			if got := NewKeys(v.Key).AnswerChallenge(v.Body); got != v.HMACHex {
				t.Errorf("AnswerChallenge = %s, want %s", got, v.HMACHex)
			}
			if i, ok := keys.Verify([]byte(v.Body+" "), v.HMACHex); i != -1 || ok {
				t.Errorf("Verify of a longer body = %d, %t, want -1, false", i, ok)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	body := []byte(`{"eventType":"VEHICLE_STATE"}`)
	right := Sign(tokenA, body)
	tests := []struct {
		name      string
		tokens    []string
		signature string
		want      int
	}{
		{"only token", []string{tokenA}, right, 0},
		{"second token", []string{tokenB, tokenA}, right, 1},
		{"third of three", []string{tokenB, "x", tokenA}, right, 2},
		{"same token twice", []string{tokenA, tokenA}, right, 0},
		{"other token", []string{tokenB}, right, -1},
		{"no token", nil, right, -1},
		{"missing", []string{tokenA}, "", -1},
		{"one digit short", []string{tokenA}, right[:63], -1},
		{"one digit long", []string{tokenA}, right + "0", -1},
		{"prefixed", []string{tokenA}, "sha256=" + right, -1},
		{"not hexadecimal", []string{tokenA}, "g" + right[1:], -1},
		{"last bit", []string{tokenA}, flipLast(right), -1},
		{"blanks for digits", []string{tokenA}, strings.Repeat(" ", 64), -1},
		{"empty token beside a good one", []string{"", tokenA}, right, 1},
		{"empty token is no key", []string{""}, Sign("", body), -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := NewKeys(tt.tokens...).Verify(body, tt.signature)
			if got != tt.want || ok != (tt.want >= 0) {
				t.Errorf("Verify = %d, %t, want %d", got, ok, tt.want)
			}
		})
	}
}

// Each of several signatures gets the answer that Verify has for it alone.
func TestVerifyEach(t *testing.T) {
	body := []byte(`{"eventType":"VEHICLE_STATE"}`)
	signatures := []string{
		Sign(tokenB, body), flipLast(Sign(tokenA, body)), Sign(tokenA, body), Sign("", body), Sign("x", body), Sign(tokenB, body),
	}
	var sums [][sha256.Size]byte
	for _, s := range signatures {
		sum, _ := hex.DecodeString(s)
		sums = append(sums, [sha256.Size]byte(sum))
	}
	for _, tokens := range [][]string{nil, {""}, {tokenA}, {tokenB, tokenA}, {"", tokenA, tokenB, tokenA}} {
		keys := NewKeys(tokens...)
		var want []int
		for _, s := range signatures {
			index, _ := keys.Verify(body, s)
			want = append(want, index)
		}
		if got := keys.VerifyEach(body, sums); !slices.Equal(got, want) {
			t.Errorf("%d tokens: %v, want %v", len(tokens), got, want)
		}
		if got := keys.VerifyEach(body, nil); len(got) > 0 {
			t.Errorf("of none: %v", got)
		}
	}
}

func flipLast(signature string) string {
	b, _ := hex.DecodeString(signature)
	b[len(b)-1] ^= 1
	return hex.EncodeToString(b)
}

func TestVerifyConcurrently(t *testing.T) {
	keys := NewKeys(tokenA, tokenB)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			token := []string{tokenA, tokenB}[g%2]
			for n := range 200 {
				body := fmt.Appendf(nil, `{"n":%d}`, n)
				if i, ok := keys.Verify(body, Sign(token, body)); !ok || i != g%2 {
					t.Errorf("Verify = %d, %t, want %d, true", i, ok, g%2)
				}
			}
		})
	}
	wg.Wait()
}

func TestSignWithKeys(t *testing.T) {
	body := []byte("Qx7mT2vLp9Rk4ZsA")
	if got, want := NewKeys("", tokenB, tokenA).Sign(body), Sign(tokenB, body); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
	if got := NewKeys("").Sign(body); got != "" {
		t.Errorf("Sign without a token = %q, want nothing", got)
	}
	if got := NewKeys().AnswerChallenge("Qx7mT2vLp9Rk4ZsA"); got != "" {
		t.Errorf("AnswerChallenge without a token = %q, want nothing", got)
	}
}

func TestKeysShowNoToken(t *testing.T) {
	keys := NewKeys(tokenA, tokenB)
	keys.Verify(nil, Sign(tokenA, nil)) // a used key must not show either
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "keys", keys, "in", struct{ K *Keys }{keys})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", keys, "in", struct{ K *Keys }{keys})
	shown := []string{log.String(), keys.String(), keys.GoString(), (*Keys)(nil).String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%p"} {
		shown = append(shown, fmt.Sprintf(verb, keys), fmt.Sprintf(verb, []*Keys{keys}), fmt.Sprintf(verb, struct{ K any }{keys}))
	}
	for _, text := range shown {
		for _, token := range []string{tokenA, tokenB, hex.EncodeToString([]byte(tokenA)), fmt.Sprintf("%d", []byte(tokenA))} {
			if strings.Contains(text, token[:8]) {
				t.Errorf("shows a token: %s", text)
			}
		}
	}
	if !strings.Contains(fmt.Sprintf("%d", keys), "redacted") {
		t.Errorf("%%d = %d", keys)
	}
}

func TestCheckToken(t *testing.T) {
	tests := []struct {
		name, token, want string
	}{
		{"a real one", tokenA, ""},
		{"empty", "", "empty"},
		{"line break", tokenA + "\n", "line break"},
		{"blank inside", tokenA[:18] + " " + tokenA[18:], "blank"},
		{"control character", tokenA + "\x00", "cannot be printed"},
		{"too short", "hunter2", "7 characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckToken(tt.token)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if tt.token != "" && strings.Contains(err.Error(), tt.token) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func FuzzSignatureHeader(f *testing.F) {
	body := []byte(`{"a":1}`)
	right := Sign(tokenA, body)
	for _, seed := range []string{right, strings.ToUpper(right), "", right[:63], right + "0", "zz", strings.Repeat("é", 32)} {
		f.Add(seed)
	}
	keys := NewKeys(tokenB, tokenA)
	f.Fuzz(func(t *testing.T, signature string) {
		i, ok := keys.Verify(body, signature)
		if want := strings.EqualFold(signature, right) && len(signature) == len(right); ok != want {
			t.Fatalf("Verify(%q) = %t, want %t", signature, ok, want)
		}
		if ok && i != 1 || !ok && i != -1 {
			t.Fatalf("Verify(%q) = %d, %t", signature, i, ok)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 128)
	for _, tokens := range [][]string{{tokenA}, {tokenA, tokenB}} {
		b.Run(fmt.Sprintf("tokens=%d", len(tokens)), func(b *testing.B) {
			keys, signature := NewKeys(tokens...), Sign(tokenA, body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := keys.Verify(body, signature); !ok {
					b.Fatal("not verified")
				}
			}
		})
	}
}

func TestEqualKeys(t *testing.T) {
	keys := NewKeys(tokenA, "", tokenB)
	for name, tt := range map[string]struct {
		other *Keys
		want  bool
	}{
		"itself":        {keys, true},
		"the same":      {NewKeys(tokenA, "", tokenB), true},
		"another order": {NewKeys(tokenB, "", tokenA), false},
		"another place": {NewKeys(tokenA, tokenB, ""), false},
		"fewer":         {NewKeys(tokenA, ""), false},
		"another token": {NewKeys(tokenA, "", tokenB+"x"), false},
		"none":          {NewKeys(), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := keys.Equal(tt.other); got != tt.want {
				t.Errorf("got %t", got)
			}
			if got := tt.other.Equal(keys); got != tt.want {
				t.Errorf("the other way round: got %t", got)
			}
		})
	}
	if !NewKeys().Equal(NewKeys()) {
		t.Error("no tokens differ from no tokens")
	}
}
