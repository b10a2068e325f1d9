package receiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	tokenA = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	tokenB = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
)

func TestExpandTokens(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "{file." + path + "}"
	}
	t.Setenv("TEST_SMARTCAR_A", tokenA)
	t.Setenv("TEST_SMARTCAR_B", tokenB)
	t.Setenv("TEST_SMARTCAR_EMPTY", "")
	t.Setenv("TEST_SMARTCAR_QUOTED", "'"+tokenA+"'")
	t.Setenv("TEST_SMARTCAR_SHORT", "fifteen-letters")
	t.Setenv("TEST_SMARTCAR_BLANK", " "+tokenA)
	t.Setenv("TEST_SMARTCAR_NEWLINE", tokenA+"\n")
	t.Setenv("TEST_SMARTCAR_LINES", tokenA+"\n"+tokenB)

	for _, tc := range []struct {
		name   string
		tokens []string
		// want are the expanded tokens; fault is what the error must contain.
		want  []string
		fault []string
	}{
		{name: "a literal", tokens: []string{tokenA}, want: []string{tokenA}},
		{name: "from the environment", tokens: []string{"{env.TEST_SMARTCAR_A}"}, want: []string{tokenA}},
		{name: "from a file with a final newline", tokens: []string{file("a", tokenA+"\n")}, want: []string{tokenA}},
		{name: "two of them keep their order", tokens: []string{"{env.TEST_SMARTCAR_B}", "{env.TEST_SMARTCAR_A}"}, want: []string{tokenB, tokenA}},
		{name: "sixteen characters are enough", tokens: []string{"0123456789abcdef"}, want: []string{"0123456789abcdef"}},
		{name: "none", fault: []string{`receiver "s" has no token`, "{env.SMARTCAR_TOKEN}"}},
		{name: "an empty one", tokens: []string{tokenA, ""}, fault: []string{`token 2 of receiver "s": is empty`}},
		{name: "a variable that is not set", tokens: []string{"{env.TEST_SMARTCAR_NONE}"}, fault: []string{"token 1", "({env.TEST_SMARTCAR_NONE})", "is empty", "environment"}},
		{name: "an empty variable", tokens: []string{"{env.TEST_SMARTCAR_EMPTY}"}, fault: []string{"token 1", "is empty"}},
		{name: "a file that is not there", tokens: []string{"{file." + filepath.Join(dir, "none") + "}"}, fault: []string{"token 1", "is empty"}},
		{name: "an empty file", tokens: []string{file("empty", "")}, fault: []string{"token 1", "is empty"}},
		{name: "a variable without braces", tokens: []string{"$SMARTCAR_TOKEN_HERE"}, fault: []string{"token 1", "{env.NAME}, with the braces"}},
		{name: "a variable as Windows writes it", tokens: []string{"%SMARTCAR_TOKEN%"}, fault: []string{"token 1", "with the braces"}},
		{name: "a variable without braces and dollar", tokens: []string{"env.SMARTCAR_TOKEN"}, fault: []string{"token 1", "with the braces"}},
		{name: "in quotes", tokens: []string{`"` + tokenA + `"`}, fault: []string{"token 1", "quotes"}},
		{name: "in quotes in the environment", tokens: []string{"{env.TEST_SMARTCAR_QUOTED}"}, fault: []string{"token 1", "quotes"}},
		{name: "changeme", tokens: []string{"changeme-changeme"}, fault: []string{"token 1", "stand-in"}},
		{name: "change me in words", tokens: []string{"Change_Me_Please_Now"}, fault: []string{"token 1", "stand-in"}},
		{name: "your token here", tokens: []string{"your-token-here-0"}, fault: []string{"token 1", "stand-in"}},
		{name: "a row of x", tokens: []string{"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"}, fault: []string{"token 1", "stand-in"}},
		{name: "zeros", tokens: []string{"00000000-0000-0000-0000-000000000000"}, fault: []string{"token 1", "stand-in"}},
		{name: "in angle brackets", tokens: []string{"<application-management-token>"}, fault: []string{"token 1", "stand-in"}},
		{name: "fifteen characters", tokens: []string{"{env.TEST_SMARTCAR_SHORT}"}, fault: []string{"token 1", "too short", "15 characters"}},
		{name: "a blank before it", tokens: []string{"{env.TEST_SMARTCAR_BLANK}"}, fault: []string{"token 1", "blank"}},
		{name: "a newline after it", tokens: []string{"{env.TEST_SMARTCAR_NEWLINE}"}, fault: []string{"token 1", "line break"}},
		{name: "two lines", tokens: []string{file("two", tokenA+"\n"+tokenB+"\n")}, fault: []string{"token 1", "line break"}},
		{name: "the same twice", tokens: []string{tokenA, tokenB, tokenA}, fault: []string{"token 3", "same value as token 1"}},
		{name: "the same after expansion", tokens: []string{tokenA, "{env.TEST_SMARTCAR_A}"}, fault: []string{"token 2", "({env.TEST_SMARTCAR_A})", "same value as token 1"}},
		{name: "a placeholder that Caddy does not know", tokens: []string{"{secret.X}"}, fault: []string{"token 1", "placeholder that does not exist"}},
		{name: "one of Caddy's kinds that it does not know", tokens: []string{"{time.no_such}"}, fault: []string{"token 1", "({time.no_such})", "placeholder that does not exist"}},
		{name: "a placeholder of requests", tokens: []string{"{http.request.header.X}"}, fault: []string{"token 1", "only during a request"}},
		{name: "a literal in braces", tokens: []string{"{" + tokenA + "}"}, fault: []string{"token 1", "token in braces"}},
		{name: "a literal in braces after text", tokens: []string{"x{" + tokenA + "}{env.TEST_SMARTCAR_A}"}, fault: []string{"token 1", "token in braces"}},
		{name: "a literal as a variable's name", tokens: []string{"{env." + tokenA + "}"}, fault: []string{"token 1", "is empty"}},
		{name: "a literal as another's name", tokens: []string{"{system." + tokenA + "}"}, fault: []string{"token 1", "placeholder that does not exist"}},
		{name: "a literal as a file", tokens: []string{"{file." + tokenA + "}"}, fault: []string{"token 1", "{file./absolute/path}"}},
		{name: "a literal as a file, as a Caddyfile makes it", tokens: []string{"{http.request.uri.path.file." + tokenA + "}"}, fault: []string{"token 1", "{file./absolute/path}"}},
		{name: "a literal as a header", tokens: []string{"{http.request.header." + tokenA + "}"}, fault: []string{"token 1", "only during a request"}},
		{name: "a brace that is not closed", tokens: []string{"{env.TEST_SMARTCAR_A-and-more"}, fault: []string{"token 1", "brace"}},
		{
			name: "each has its error", tokens: []string{"{env.TEST_SMARTCAR_NONE}", "{env.TEST_SMARTCAR_SHORT}"},
			fault: []string{`token 1 of receiver "s" ({env.TEST_SMARTCAR_NONE})`, `token 2 of receiver "s" ({env.TEST_SMARTCAR_SHORT})`},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := expandTokens(tc.tokens, `receiver "s"`)
			if len(tc.fault) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if strings.Join(got, ",") != strings.Join(tc.want, ",") {
					t.Fatal("other tokens than expected")
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tc.fault {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			for _, secret := range []string{tokenA, tokenB, "fifteen-letters"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error shows a token: %q", err)
				}
			}
		})
	}
}

// A source takes no placeholder, and its error says what works.
func TestSourceWithAPlaceholder(t *testing.T) {
	if err := checkSource("{env.X}"); err == nil || !strings.Contains(err.Error(), "{$NAME} is") {
		t.Errorf("got %v", err)
	}
}
