package send

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Slack posts a message's text to an incoming webhook of Slack, Mattermost, Rocket.Chat, or of Discord's with /slack at
// its end.
type Slack struct {
	poster *poster
	most   int
}

// SlackConfig is where to post.
type SlackConfig struct {
	// URL is that of the incoming webhook: a secret.
	URL string
	// Insecure allows http to other hosts than loopback.
	Insecure bool
}

// How many characters a message has at most: Discord takes no more, and Mattermost's older versions neither.
const (
	mostOfDiscord = 2000
	mostOfOthers  = 4000
)

// NewSlack checks the config. An error reads on from the name of what is configured, as in "has no …".
func NewSlack(c SlackConfig) (*Slack, error) {
	p, err := newPoster(c.URL, nil, c.Insecure)
	if err != nil {
		return nil, err
	}
	s := &Slack{poster: p, most: mostOfOthers}
	if host := p.url.Hostname(); host == "discord.com" || host == "discordapp.com" {
		s.most = mostOfDiscord
		if !strings.HasSuffix(p.url.Path, "/slack") {
			return nil, errors.New("is Discord's own webhook: append /slack to its URL")
		}
	}
	return s, nil
}

// Host is that of the URL, which is no secret.
func (s *Slack) Host() string { return s.poster.url.Host }

// slackWord is an error as Slack's documentation lists them: one word, such as channel_is_archived.
var slackWord = regexp.MustCompile(`^[a-z]{2,20}(_[a-z]{1,20}){0,5}$`)

// Send implements Sender.
func (s *Slack) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(map[string]string{"text": plain(m.Title+"\n"+m.Text, s.most)})
	if err != nil {
		return errorf(s.Host(), Unsendable, 0, "the message cannot be encoded")
	}
	a, err := s.poster.post(ctx, body)
	word := string(a.body)
	isWord := slackWord.MatchString(word) && !strings.Contains(s.poster.url.String(), word)
	if refusal, ok := errors.AsType[*Error](err); ok && isWord {
		refusal.text += " " + word
	}
	return err
}

// escape takes what Slack would read as a link or a call to all from a text, and what Discord and Mattermost would.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b")

// plain is a text of so many characters at most, cut between lines where it can be.
func plain(text string, most int) string {
	const cut = "…"
	var b strings.Builder
	left := most - utf8.RuneCountInString(cut)
	for line := range strings.Lines(text) {
		line = escape.Replace(line)
		n := utf8.RuneCountInString(line)
		if n > left {
			if b.Len() == 0 {
				b.WriteString(string([]rune(line)[:left]))
			}
			b.WriteString(cut)
			break
		}
		left -= n
		b.WriteString(line)
	}
	return b.String()
}
