package handlersfile

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const page = "../../docs/handlers-file.md"

var hclExample = regexp.MustCompile("(?s)\n```hcl\n(.*?)```")

// Every example of the reference loads without a remark.
func TestExamplesOfTheReference(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BILLING_PASSWORD", "x")
	t.Setenv("CRM_TOKEN", "y")
	examples := hclExample.FindAllStringSubmatch(string(content), -1)
	if len(examples) < 5 {
		t.Fatalf("%d examples", len(examples))
	}
	for i, example := range examples {
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			write(t, map[string]string{"handlers.hcl": example[1], "bin/billing": program})
			if got := mustLoad(t, "handlers.hcl"); len(got) == 0 {
				t.Error("no handler")
			}
		})
	}
}

// The table of the reference says what the code does.
func TestReferenceNamesDefaultsAndRanges(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	number := func(name string, value int, within numbers) string {
		return "| `" + name + "` | `" + strconv.Itoa(value) + "` | " + strconv.Itoa(within.min) + " to " + strconv.Itoa(within.max) + " |"
	}
	duration := func(name, value string, want time.Duration, within durations) string {
		if got, err := parseDuration(value); err != nil || got != want {
			t.Errorf("%s: the default is %v", name, want)
		}
		return "| `" + name + "` | `\"" + value + "\"` | " + formatDuration(within.min) + " to " + formatDuration(within.max) + " |"
	}
	rows := []string{
		"| `order` | `\"" + string(DefaultOrder) + "\"` |",
		number("concurrency", DefaultConcurrency, concurrencyRange),
		duration("timeout", "10s", DefaultTimeout, timeoutRange),
		number("retry.max_attempts", DefaultMaxAttempts, maxAttemptsRange),
		duration("retry.min_delay", "1s", DefaultMinDelay, delayRange),
		duration("retry.max_delay", "10m", DefaultMaxDelay, delayRange),
		number("breaker.failures", DefaultFailures, failuresRange),
		duration("breaker.cooldown", "60s", DefaultCooldown, cooldownRange),
		"| `park_after` | none | " + formatDuration(parkAgeRange.min) + " to " + formatDuration(parkAgeRange.max) +
			", or " + strconv.Itoa(parkAttemptsRange.min) + " to " + strconv.Itoa(parkAttemptsRange.max) + " |",
		"| `start` | see below | `\"" + string(StartNow) + "\"`, `\"" + string(StartBeginning) + "\"`, a time |",
		"| `signals.stale` | `\"" + string(DefaultStale) + "\"` | `\"" + string(StaleDeliver) + "\"`, `\"" + string(StaleMark) + "\"`, `\"" + string(StaleDrop) + "\"` |",
		number("batch.max_events", DefaultMaxEvents, maxEventsRange),
		duration("batch.max_wait", "0s", DefaultMaxWait, maxWaitRange),
	}
	for _, row := range rows {
		if !strings.Contains(string(content), row) {
			t.Errorf("the page has no row that begins with %s", row)
		}
	}
	for name := range plainNames {
		if !strings.Contains(string(content), name+"`") {
			t.Errorf("the page does not name %s", name)
		}
	}
}
