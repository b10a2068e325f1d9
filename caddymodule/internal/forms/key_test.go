package forms

import (
	"slices"
	"testing"
)

func TestKeys(t *testing.T) {
	const token = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b3a"
	const bare = "7f1c9a523b0e4d6a9c415e2f8a7d6b3a"
	for name, tt := range map[string]struct{ given, value, want string }{
		"itself":            {token, token, ""},
		"of a file":         {token + "\n", token, ""},
		"with its line end": {token + "\n", token + "\n", "with a line feed behind it"},
		"with two of them":  {token + "\n\n", token + "\n\n", "with what stands around it"},
		"a line end added":  {token, token + "\n", "with a line feed behind it"},
		"in quotes":         {token, `"` + token + `"`, "in quotes"},
		"out of quotes":     {`"` + token + `"`, token, ""},
		"in capitals":       {token, "7F1C9A52-3B0E-4D6A-9C41-5E2F8A7D6B3A", "in capitals"},
		"without dashes":    {token, bare, "without its dashes"},
		"as bytes":          {token, "\x7f\x1c\x9a\x52\x3b\x0e\x4d\x6a\x9c\x41\x5e\x2f\x8a\x7d\x6b\x3a", "decoded from hexadecimal digits"},
		"in base64":         {"abc123abc123", "YWJjMTIzYWJjMTIz", "in base64"},
		"out of base64":     {"YWJjMTIzYWJjMTIz", "abc123abc123", "decoded from base64"},
	} {
		keys := Keys(tt.given)
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Value == tt.value })
		if i < 0 || keys[i].Name != tt.want {
			t.Errorf("%s: at %d, want %q", name, i, tt.want)
		}
		if keys[0].Name != "" {
			t.Errorf("%s: the first is %q", name, keys[0].Name)
		}
	}
	for _, given := range []string{"", "\n", `""`} {
		for _, k := range Keys(given) {
			if k.Value == "" {
				t.Errorf("%q gives an empty key", given)
			}
		}
	}
}
