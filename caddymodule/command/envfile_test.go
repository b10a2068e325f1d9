package command

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestParseEnv(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want map[string]string
	}{
		"a list with a blank":  {"DOMAIN=a.example, b.example\n", map[string]string{"DOMAIN": "a.example, b.example"}},
		"comments and nothing": {"# A=1\n\nB=2 # two\n", map[string]string{"B": "2"}},
		"# ends any value":     {"A=one#two\nB=\"three#four\"\n", map[string]string{"A": "one", "B": "three"}},
		"export":               {"export A=1", map[string]string{"A": "1"}},
		"quotes":               {"A=\"a b\"\nB='c d'\n", map[string]string{"A": "a b", "B": "c d"}},
		"over lines":           {"A=\"a\nb\"\nC=1\n", map[string]string{"A": "a\nb", "C": "1"}},
		"empty":                {"A=\n", map[string]string{"A": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseEnv(strings.NewReader(tt.text))
			if err != nil || !maps.Equal(got, tt.want) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestLoadEnvFilesErrors(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no equals sign": {"A=1\nsecret\n", "line 2 is not NAME=value"},
		"no name":        {"=secret\n", "line 1 is not NAME=value"},
		"a blank before": {"A= secret\n", "line 1: a blank stands between = and the value of A"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "smartcar.env")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := loadEnvFiles([]string{file})
			if err == nil || !strings.Contains(err.Error(), file+": "+tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want %s, and no value", err, tt.want)
			}
		})
	}
}

// As with Caddy's own commands, what the environment has is not overwritten, nor what an earlier file has set.
func TestLoadEnvFilesKeepWhatIsThere(t *testing.T) {
	storage := caddy.DefaultStorage
	t.Cleanup(func() { caddy.DefaultStorage = storage })
	for _, name := range []string{"FIRST", "SECOND"} {
		t.Setenv("SMARTCAR_TEST_"+name, "") // has it put back afterwards
		os.Unsetenv("SMARTCAR_TEST_" + name)
	}
	t.Setenv("SMARTCAR_TEST_THERE", "environment")
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1.env"), filepath.Join(dir, "2.env")
	for file, text := range map[string]string{
		one: "SMARTCAR_TEST_THERE=file\nSMARTCAR_TEST_FIRST=1\n",
		two: "SMARTCAR_TEST_FIRST=2\nSMARTCAR_TEST_SECOND=2\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := loadEnvFiles([]string{one, two}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"THERE": "environment", "FIRST": "1", "SECOND": "2"} {
		if got := os.Getenv("SMARTCAR_TEST_" + name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
