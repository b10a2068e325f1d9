package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// loadEnvFiles sets the variables of files of lines NAME=value, as Caddy's own commands do with --envfile, whose reader
// is not exported: what the environment has already stays, also what an earlier file has set. Errors name the file and
// the line, and no value.
func loadEnvFiles(files []string) error {
	for _, name := range files {
		variables, err := readEnvFile(name)
		if err != nil {
			return fmt.Errorf("reading the environment file %s: %w", name, err)
		}
		for key, value := range variables {
			if _, exists := os.LookupEnv(key); exists {
				continue
			}
			if err := os.Setenv(key, value); err != nil {
				return fmt.Errorf("setting %s of the environment file %s: %w", key, name, err)
			}
		}
	}
	if len(files) > 0 {
		// HOME or XDG_DATA_HOME may have been among them.
		caddy.DefaultStorage = &certmagic.FileStorage{Path: caddy.AppDataDir()}
	}
	return nil
}

func readEnvFile(name string) (map[string]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err) // without the name again
	}
	defer file.Close()
	return parseEnv(file)
}

// parseEnv reads lines NAME=value as Caddy does, mistakes included, so that `validate` sees what Caddy will see. "#" begins
// a comment, also within a value and within its quotes; "export " before a name is passed over, and a value in quotes may
// go on over lines, with \ before a quote that does not end it.
func parseEnv(r io.Reader) (map[string]string, error) {
	variables := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimPrefix(key, "export ")
		if !ok || key == "" || strings.Contains(key, " ") {
			return nil, fmt.Errorf("line %d is not NAME=value", n)
		}
		if strings.HasPrefix(value, " ") || strings.HasPrefix(value, "\t") {
			return nil, fmt.Errorf("line %d: a blank stands between = and the value of %s", n, key)
		}
		if before, _, found := strings.Cut(value, "#"); found {
			value = strings.TrimRight(before, " \t")
		}
		if strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'") {
			quote := value[:1]
			for !strings.HasSuffix(line, quote) || strings.HasSuffix(line, `\`+quote) {
				value = strings.ReplaceAll(value, `\`+quote, quote)
				if !lines.Scan() {
					break
				}
				n++
				line = strings.ReplaceAll(lines.Text(), `\`+quote, quote)
				value += "\n" + line
			}
			value = strings.TrimSuffix(strings.TrimPrefix(value, quote), quote)
		}
		variables[key] = value
	}
	return variables, lines.Err()
}
