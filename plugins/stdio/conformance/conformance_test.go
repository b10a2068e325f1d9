package conformance

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

var (
	programFlag  = flag.String("program", "", "the program to test, with its arguments, split at blanks")
	dirFlag      = flag.String("dir", "", "the program's working folder, absolute: relative paths in -program are taken from it")
	settingsFlag = flag.String("settings", "{}", "the settings of the first line, as JSON")
)

// reference makes the test binary the least of a program that holds to the protocol.
const reference = "STDIO_CONFORMANCE_REFERENCE"

func TestMain(m *testing.M) {
	if os.Getenv(reference) != "" {
		beReference()
		return
	}
	goleak.VerifyTestMain(m)
}

func beReference() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var batch struct {
			ID     int
			Events []json.RawMessage
		}
		if err := json.Unmarshal(in.Bytes(), &batch); err != nil {
			panic(err)
		}
		done := strings.TrimSuffix(strings.Repeat(`{"result":"done"},`, len(batch.Events)), ",")
		fmt.Printf("{\"id\":%d,\"results\":[%s]}\n", batch.ID, done)
	}
}

// TestProgram tests the program of the flag, by default the reference.
func TestProgram(t *testing.T) {
	command := strings.Fields(*programFlag)
	if len(command) == 0 {
		t.Setenv(reference, "1")
		command = []string{os.Args[0]}
	}
	Run(t, Subject{Command: command, Dir: *dirFlag, Settings: *settingsFlag})
}

func TestSettings(t *testing.T) {
	for name, tt := range map[string]struct{ settings, want string }{
		"none":      {"", `"settings":{},`},
		"some":      {"{\n \"limit\": 30}", `"settings":{"limit":30},`},
		"no object": {"30", ""},
		"null":      {"null", ""},
		"no JSON":   {"limit=30", ""},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := Subject{Settings: tt.settings}.firstLine()
			if (err != nil) != (tt.want == "") || !strings.Contains(line, tt.want) || strings.Contains(line, "\n") {
				t.Errorf("%s, %v", line, err)
			}
		})
	}
}
