package masking

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// What a config masks as a secret is masked wherever else it turns up; words that other texts have are not.
func TestSecretsElsewhere(t *testing.T) {
	raw := []byte(`{"a":{"token":"correcthorse","password":"with \"quotes\" & <","url":"https://ops.example.com/x?k=1","id":"7f1c9a52-3b0e",` +
		`"pin":"123","root":"/var/lib","word":"something","env":"{env.TOKEN}"},"apps":{"http":{"servers":{"s":{"listen":[":8443"]}}}}}`)
	want := []string{"https://ops.example.com/x?k=1", `with "quotes" & <`, "7f1c9a52-3b0e", "correcthorse"}
	if got := Secrets(raw); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	text := `/var/lib/smartcar something correcthorse {"e":"with \"quotes\" \u0026 \u003c","f":"with \"quotes\" & <"} with "quotes" & < 7f1c9a52-3b0e :8443`
	shown := `/var/lib/smartcar something (masked) {"e":"(masked)","f":"(masked)"} (masked) (masked) :8443`
	if got := Replacer(Secrets(raw)).Replace(text); got != shown {
		t.Errorf("got %s", got)
	}
	if got := Secrets([]byte("{")); got != nil {
		t.Errorf("got %q", got)
	}
}

// So are keys that are secrets, and what is below a secret's name; names of headers and fields are not.
func TestKeysElsewhere(t *testing.T) {
	raw := []byte(`{"users":{"alice@example.com":{"role":"reader-x"}},"api_keys":{"hunter-two":"x","limits":1,"X-Header":2},` +
		`"hash":{"algorithm":"bcrypt"},"domains":{"example.com":1}}`)
	if got, want := Secrets(raw), []string{"alice@example.com", "hunter-two", "reader-x"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Of the configs of the tests, each secret is known as one where it stands under such a name or has such a form.
func TestSecretsOfConfigs(t *testing.T) {
	raw, err := os.ReadFile("testdata/receiver.json")
	if err != nil {
		t.Fatal(err)
	}
	got := Secrets(raw)
	for _, want := range []string{"s3cr3t-6666666666", "s3cr3t-10", "https://hooks.slack.com/services/T0/B0/s3cr3t", "$2a$14$s3cr3thash"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in %q", want, got)
		}
	}
	for _, not := range []string{"smartcar_webhook", "production", "hooks.example.com", "/var/lib/smartcar"} {
		if strings.Contains(strings.Join(got, "\n")+"\n", not+"\n") {
			t.Errorf("%s is in %q", not, got)
		}
	}
}
