package send

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func newSlack(t *testing.T, url string, roots *x509.CertPool) *Slack {
	t.Helper()
	s, err := NewSlack(SlackConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	s.poster.roots = roots
	return s
}

func TestSlackGetsTheText(t *testing.T) {
	var got map[string]string
	server, roots := hook(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
	})
	m := Message{Title: "web-1: <!channel> & @here", Text: "! crm is down\n"}
	if err := newSlack(t, server.URL+"/services/"+secret, roots).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got["text"] != "web-1: &lt;!channel&gt; &amp; @\u200bhere\n! crm is down\n" {
		t.Errorf("%q", got)
	}
}

// Slack says in one word what is wrong. Anything else that comes is not repeated: it may be the URL.
func TestSlackSaysWhy(t *testing.T) {
	for body, want := range map[string]string{
		"channel_is_archived":         "it answered 403 channel_is_archived",
		"no_service":                  "it answered 403 no_service",
		"Cannot POST /" + secret:      "it answered 403",
		"thesecretword":               "it answered 403",
		"<html>" + secret + "</html>": "it answered 403",
	} {
		server, roots := hook(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, body)
		})
		err := newSlack(t, server.URL+"/thesecretword/"+secret, roots).Send(t.Context(), hello)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
}

func TestDiscordWantsItsSlackForm(t *testing.T) {
	_, err := NewSlack(SlackConfig{URL: "https://discord.com/api/webhooks/1/" + secret})
	if err == nil || !strings.Contains(err.Error(), "append /slack") || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
	s, err := NewSlack(SlackConfig{URL: "https://discord.com/api/webhooks/1/" + secret + "/slack"})
	if err != nil || s.most != mostOfDiscord {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestTextIsCutBetweenLines(t *testing.T) {
	tests := map[string]struct {
		text, want string
		most       int
	}{
		"fits":                 {"one\ntwo\n", "one\ntwo\n", 9},
		"the second does not":  {"one\ntwo\nthree", "one\n…", 8},
		"the first does not":   {"a line that is long", "a lin…", 6},
		"what escapes counts":  {"a\n<<<\n", "a\n…", 10},
		"characters not bytes": {"äöü\n", "äöü\n", 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := plain(tt.text, tt.most)
			if got != tt.want || utf8.RuneCountInString(got) > tt.most {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
