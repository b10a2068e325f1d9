package dev

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// logged is what is read of a line of the edge's log.
type logged struct {
	Event    stage.Stage `json:"event"`
	Message  string      `json:"msg"`
	ID       string      `json:"event_id"`
	Attempt  int         `json:"attempt"`
	Seconds  float64     `json:"duration"`
	Reason   string      `json:"reason"`
	Error    string      `json:"error"`
	IsReplay bool        `json:"replay"`
}

// becameDeadLetter begins what the log says of each.
const becameDeadLetter = "event became a dead letter"

// logLine shows what a line of the log says of an answer; most say nothing.
func (s *screen) logLine(line []byte) {
	var l logged
	if json.Unmarshal(line, &l) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case l.Event == stage.ProcessingCompleted:
		s.completed(&l)
	case l.Event == stage.ProcessingFailed:
		s.failed(&l)
	case strings.HasPrefix(l.Message, becameDeadLetter):
		s.dead++
		s.print("gave up ", l.ID, "a dead letter: "+why(&l))
		s.settled(l.ID)
	}
}

func (s *screen) completed(l *logged) {
	if s.down != "" {
		s.down = ""
		s.say("The application takes events again.")
	}
	s.done++
	took := time.Duration(l.Seconds * float64(time.Second)).Round(100 * time.Microsecond)
	line := fmt.Sprintf("done in %v", took)
	if l.Attempt > 1 {
		line += fmt.Sprintf(", attempt %d", l.Attempt)
	}
	if l.IsReplay {
		line += ", replayed"
	}
	s.print("answered", l.ID, line)
	s.settled(l.ID)
}

// failed says once that the application is down, however often it is tried.
func (s *screen) failed(l *logged) {
	switch l.Reason {
	case "cut_off", "rejected": // the end; the dead letter has a line of its own
	case "unavailable":
		if s.down == why(l) {
			return
		}
		s.down = why(l)
		s.say("The application takes no events: %s. They wait for it.", advised(s.down))
	default:
		s.print("answered", l.ID, fmt.Sprintf("%s; attempt %d, it is tried again", why(l), l.Attempt))
	}
}

// advised puts advice for a laptop into the place of that about a handler's config, which is the command's own here.
func advised(why string) string {
	if what, _, found := strings.Cut(why, ": check what this handler's config has"); found {
		return what + " (does it have the token above?)"
	}
	return why
}

// why is the error, or the word for one that has no text.
func why(l *logged) string {
	if l.Error == "" {
		return text.Clean(l.Reason)
	}
	return text.Clean(l.Error)
}
