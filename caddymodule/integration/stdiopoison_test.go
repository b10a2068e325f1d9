package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// poisonedID is the event that a program cannot digest.
const poisonedID = "e-poison"

// bePoisoned is a program of the plugin stdio that ends when it meets that event. It writes down each event that it
// works on, and of the one that ends it how many were with it.
func bePoisoned(file string) {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	answerBatches(func(id string, among int) {
		if id != poisonedID {
			noteEvent(out, id)
			return
		}
		noteEvent(out, fmt.Sprintf("poison among %d", among))
		fmt.Fprintln(os.Stderr, "Traceback (most recent call last):\nKeyError: 'odometer'")
		os.Exit(3)
	})
}

// An event that ends a program of the plugin stdio is found: at last it is tried alone, and after three ends it is a dead
// letter. Each other event arrives. The list of dead letters shows how the program ended and what it said, and not how
// the plugin that ran it did.
func TestPoisonEventOfAProgram(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.write(t, "handlers.hcl", fmt.Sprintf(`handler "own" {
  plugin = "stdio"
  env    = { GORACE = "atexit_sleep_ms=0" }

  batch {
    max_events = 5
    max_wait   = "500ms"
  }
  config {
    command = [%q, "program", "poisoned", %q]
  }
}
`, self, s.events))
	s.startAdmin(t)
	for i := range 5 {
		s.mustPost(t, smartcar.Sample{EventID: fmt.Sprintf("before-%d", i), VehicleID: fmt.Sprintf("car-%d", i)}.VehicleState())
	}
	s.mustPost(t, smartcar.Sample{EventID: poisonedID, VehicleID: "car-0"}.VehicleState())
	for i := range 5 {
		s.mustPost(t, smartcar.Sample{EventID: fmt.Sprintf("after-%d", i), VehicleID: fmt.Sprintf("car-%d", i)}.VehicleState())
	}
	waitFor(t, "the dead letter, and the others", time.Minute, func() bool {
		got := strings.Join(s.received(t), " ") + " "
		for i := range 5 {
			if !strings.Contains(got, fmt.Sprintf("before-%d ", i)) || !strings.Contains(got, fmt.Sprintf("after-%d ", i)) {
				return false
			}
		}
		return s.status(t).Buffer.DeadLetters == 1
	})
	var tries []string
	for _, id := range s.received(t) {
		if strings.HasPrefix(id, "poison") {
			tries = append(tries, id)
		}
	}
	if len(tries) != 3 || tries[2] != "poison among 1" {
		t.Errorf("the tries were %q, want three, the last one alone", tries)
	}
	list, _ := s.run(t, "dead-letters")
	ended := self + " ended by itself: exit status 3: KeyError: 'odometer'"
	if !strings.Contains(list, "poison") || !strings.Contains(list, ended) || strings.Contains(list, "exit status 1") {
		t.Errorf("the list is\n%s\nwithout %s", list, ended)
	}
	if letters := deadLettersOf(t, s); !strings.Contains(letters, "Traceback") || strings.Contains(letters, "exit status 1") {
		t.Errorf("the dead letter is %s", letters)
	}
	// What the program said stays on the machine.
	cmd, _ := command(t, "diagnose", "--address", "unix/"+s.admin)
	bundle, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range unpackBundle(t, bundle) {
		if i := strings.Index(text, "odometer'"); i >= 0 {
			t.Errorf("%s of a bundle says %.300s", name, text[max(0, i-200):])
		}
	}
	if t.Failed() {
		t.Log(s.log())
	}
}
