package stdio

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// line is a line that a program reads.
type line struct {
	ID       int
	Protocol int `json:"smartcar_stdio"`
	Handler  string
	Settings json.RawMessage
	Events   []struct {
		Payload *struct{ Say json.RawMessage }
		Base64  []byte `json:"payload_base64"`
	}
}

// answer is what the events of a line ask for.
func (l line) answer() string {
	words := make([]string, 0, len(l.Events))
	for _, e := range l.Events {
		words = append(words, string(e.Payload.Say))
	}
	return fmt.Sprintf(`{"id":%d,"results":[%s]}`, l.ID, strings.Join(words, ","))
}

// each reads lines until stdin ends.
func each(do func(l line)) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			panic(err)
		}
		do(l)
	}
}

// afterFirst answers the first line, and does something else with the others.
func afterFirst(do func(l line)) func([]string) {
	return func([]string) {
		each(func(l line) {
			if l.ID == 0 {
				fmt.Println(l.answer())
				return
			}
			do(l)
		})
	}
}

func greets(more string) func([]string) {
	return func([]string) {
		each(func(l line) {
			if l.ID > 0 {
				fmt.Println(l.answer())
				return
			}
			fmt.Fprintf(os.Stderr, "handler=%s settings=%s protocol=%d\n", l.Handler, l.Settings, l.Protocol)
			fmt.Printf("{\"id\":0,\"results\":[],%s}\n", more)
		})
	}
}

// many is a list of 9000 elements that differ in a number.
func many(element string) string {
	list := make([]string, 0, 9000)
	for i := range 9000 {
		list = append(list, fmt.Sprintf(element, i))
	}
	return strings.Join(list, ",")
}

func lastWords(code int) func(line) {
	return func(line) {
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(code)
	}
}

// programs are what the test binary can be.
var programs = map[string]func(args []string){
	// says answers what the events ask for.
	"says": func(args []string) {
		each(func(l line) { fmt.Println(l.answer()) })
		fmt.Fprintln(os.Stderr, strings.Join(args, " "))
	},
	// shows says where it runs, and what it got of an event.
	"shows": afterFirst(func(l line) {
		dir, err := os.Getwd()
		fmt.Fprintf(os.Stderr, "in %s, %v; payload %v, base64 of %q\n", dir, err, l.Events[0].Payload != nil, l.Events[0].Base64)
		fmt.Printf("{\"id\":%d,\"results\":[{\"result\":\"done\"}]}\n", l.ID)
	}),
	"batches": greets(`"max_batch":10`),
	"too-few": func([]string) { each(func(l line) { fmt.Printf("{\"id\":%d,\"results\":[]}\n", l.ID) }) },
	"chatty": func([]string) {
		each(func(l line) {
			fmt.Printf("got %d\n[]\n{\"id\":99,\"results\":[]}\n%s\n\n%s\n", l.ID, strings.Repeat("x", maxLine+10), l.answer())
		})
	},
	// backwards answers so many lines from the last to the first.
	"backwards": func(args []string) {
		n, _ := strconv.Atoi(args[0])
		var waiting []line
		afterFirst(func(l line) {
			if waiting = append(waiting, l); len(waiting) == n {
				for _, l := range slices.Backward(waiting) {
					fmt.Println(l.answer())
				}
			}
		})(nil)
	},
	// late answers the line before, then this one; the first one not at all at first.
	"late": func([]string) {
		var before *line
		afterFirst(func(l line) {
			if before != nil {
				fmt.Println(before.answer())
				fmt.Println(l.answer())
			}
			before = &l
		})(nil)
	},
	"deaf": afterFirst(func(line) {}),
	"wrong-ids": afterFirst(func(l line) {
		l.ID += 1000
		fmt.Println(l.answer())
	}),
	"crash": afterFirst(lastWords(3)),
	"quit":  afterFirst(lastWords(0)),
	"crash-with-child": afterFirst(func(l line) {
		child := exec.Command(os.Args[0], "as", "sleeper")
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
		lastWords(3)(l)
	}),
	"sleeper": func([]string) { time.Sleep(time.Hour) },
	"stays": func([]string) {
		each(func(l line) { fmt.Println(l.answer()) })
		time.Sleep(time.Hour)
	},
	"hello": greets(`"smartcar_stdio":1,"name":"fleet","version":"2","wants":["VEHICLE_STATE"],"max_batch":5,"settings":{` +
		`"limit":{"type":"number","required":true,"doc":"How low."},"words":{"type":"list"},"deep":{}}`),
	"version2":    greets(`"smartcar_stdio":2`),
	"wrong-hello": greets(`"wants":"everything"`),
	"broken": func([]string) {
		fmt.Fprintln(os.Stderr, "no module named fleet")
		os.Exit(3)
	},
	"deaf-at-once": func([]string) { each(func(line) { fmt.Fprintln(os.Stderr, "deaf") }) },
	"twice": afterFirst(func(l line) {
		fmt.Println(l.answer())
		fmt.Println(l.answer())
	}),
	"prints": func([]string) {
		fmt.Println("starting up")
		each(func(line) {})
	},
	"null": func([]string) {
		each(func(line) { fmt.Println("null") })
	},
	// flood writes much, and no end of a line.
	"flood": func([]string) {
		for range 4 * maxLine >> 16 {
			if _, err := os.Stdout.Write(make([]byte, 1<<16)); err != nil {
				panic(err)
			}
		}
		fmt.Fprintln(os.Stderr, "flooded")
		each(func(line) {})
	},
}
