package integration

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"
)

// unit is a systemd unit file: the values of each setting, by "Section.Name".
type unit map[string][]string

// readUnit reads a unit file. Settings that stand twice have several values, as in systemd.
func readUnit(t *testing.T, path string) unit {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u := unit{}
	section := ""
	lines := bufio.NewScanner(f)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s:%d: not a setting: %s", path, number, line)
		}
		key := section + "." + strings.TrimSpace(name)
		u[key] = append(u[key], strings.TrimSpace(value))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return u
}

// one is the value of a setting that must be there exactly once.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("%s: %d values %v, want one", key, len(u[key]), u[key])
	}
	return u[key][0]
}

// words are the words of all values of a setting.
func (u unit) words(key string) []string {
	return strings.Fields(strings.Join(u[key], " "))
}

// duration is a setting in the form that Go and systemd share, such as 15s.
func (u unit) duration(t *testing.T, key string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(u.one(t, key))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return d
}
