// Package send brings short messages to people: to a webhook, a channel of Slack, Mattermost or Discord, or by mail.
// Whatever fails, no error of it holds a secret: not the path of a URL, which is one at Slack's, nor a header, a name
// or a password, nor anything that the other side has said in words of its own.
package send

import (
	"context"
	"encoding/json"
	"time"
)

// Message is what people are told.
type Message struct {
	// Title is one line, and Text all of it, on several.
	Title, Text string
	// JSON is what a webhook gets.
	JSON json.RawMessage
}

// Sender brings a message to where it was made for. Send takes no longer than the sender's timeout. It may be called
// from several goroutines. Errors: *Error.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

const (
	// DefaultTimeout bounds one Send, from connecting to the end of the answer.
	DefaultTimeout = 15 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 64 << 10
	// maxRetryAfter bounds how long an answer may ask to wait.
	maxRetryAfter = time.Hour
)
