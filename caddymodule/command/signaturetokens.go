package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/explain"
)

// maxTokenFile is the size of the largest file that is read as a token, in bytes.
const maxTokenFile = 4 << 10

// tokenFlags name tokens to try.
type tokenFlags struct {
	files, variables []string
	mistaken         bool
}

func (f *tokenFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.files, "token-file", nil, "a file with one more token to try; repeatable")
	flags.StringArrayVar(&f.variables, "token-env", nil, "an environment variable with one more token; repeatable")
	// A flag that people expect: it says what to use instead.
	flags.Var(mistake{&f.mistaken}, "token", "")
	_ = flags.MarkHidden("token") // fails only if there is no such flag
}

// mistake is a flag that must not be used. It keeps no value, so that no error can show one.
type mistake struct{ made *bool }

func (m mistake) Set(string) error { *m.made = true; return nil }
func (mistake) String() string     { return "" }
func (mistake) Type() string       { return "string" }

const notAnArgument = "a token is never an argument, as other users of this machine can read those, and the shell keeps them:" +
	" put it into a file for --token-file, or into an environment variable for --token-env"

// idOrNone takes the id of a request in the quarantine, and refuses other arguments without showing them.
func idOrNone(_ *cobra.Command, args []string) error {
	if len(args) > 1 || len(args) == 1 && !quarantineID.MatchString(args[0]) {
		return errors.New("the only argument is an id of caddy smartcar quarantine; " + notAnArgument)
	}
	return nil
}

// read returns the tokens that the flags name.
func (f *tokenFlags) read() ([]explain.Tokens, error) {
	if f.mistaken {
		return nil, misusedf("there is no --token: %s", notAnArgument)
	}
	var list []explain.Tokens
	for _, path := range f.files {
		if looksLikeToken.MatchString(path) {
			return nil, misusedf("--token-file names a file, and what stands there looks like a token: %s", notAnArgument)
		}
		token, err := readAtMost(path, maxTokenFile, nil)
		if err != nil {
			return nil, fmt.Errorf("reading --token-file: %w", err)
		}
		t, err := explain.Given(path, string(token))
		if err != nil {
			return nil, fmt.Errorf("reading --token-file: %w", err)
		}
		list = append(list, t)
	}
	for _, name := range f.variables {
		if !variableName.MatchString(name) || looksLikeToken.MatchString(name) {
			return nil, misusedf("--token-env names an environment variable, such as SMARTCAR_TOKEN, and what stands there is no"+
				" such name; %s", notAnArgument)
		}
		t, err := explain.Given("$"+name, os.Getenv(name))
		if err != nil {
			return nil, fmt.Errorf("reading --token-env: %w", err)
		}
		list = append(list, t)
	}
	return list, nil
}

var (
	// looksLikeToken matches a UUID, which Smartcar's tokens are, with dashes or without.
	looksLikeToken = regexp.MustCompile(`(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$`)
	// quarantineID matches the ids that requests in the quarantine have.
	quarantineID = regexp.MustCompile(`^[0-9a-f]{12}-[0-9a-f]{8}$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// readAtMost reads a file of at most so many bytes; "-" is the standard input, where there is one.
func readAtMost(path string, most int, stdin io.Reader) ([]byte, error) {
	in := stdin
	if path != "-" || stdin == nil {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return data, nil
}
