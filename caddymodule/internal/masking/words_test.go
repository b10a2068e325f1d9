package masking

import "testing"

func TestProgramWord(t *testing.T) {
	for s, want := range map[string]bool{
		"crm": true, "1.0.0-rc.1+b7": true, "(devel)": true, "": false, "token=hunter2 1.0": false, "crm of Alice": false, "(hunter)": false,
		"a\nb": false, "{x}": false,
	} {
		if ProgramWord(s) != want {
			t.Errorf("%q", s)
		}
	}
}

// Words that people choose pass, ids and tokens do not.
func TestLookingRandom(t *testing.T) {
	for s, want := range map[string]bool{
		"smartcar2": false, "webhooks-2026": false, "/hooks/smartcarEvents": false, "http2": false, "K8S_TOKEN": false, "h2c": false,
		"camelCaseName": false, "max_idle_conns_per_host": false, "OAuth2": true,
		"s3cr3t": true, "aB3dE5fGh2Jk": true, "gXqPzRtWmKd": true, "7f1c9a52": true, "/hook/abcd1234": true, "123-456": true,
		"abcdefghijklmnopqrstuvwxyz": true,
	} {
		if lookingRandom(s) != want {
			t.Errorf("%q", s)
		}
	}
}
