package admin

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/explain"
)

const (
	// maxQuestion bounds the JSON of a question: its body in base64, and room for the rest.
	maxQuestion = explain.MaxBody/3*4 + 64<<10
	// explainTimeout bounds the work on one answer.
	explainTimeout = 20 * time.Second
)

// explainSignature says under which token and in which form a signature matches a body.
func explainSignature(q *request) (any, error) {
	var asked api.SignatureQuestion
	if err := decodeBodyOf(q.Request, &asked, maxQuestion); err != nil {
		return nil, err
	}
	body, err := base64.StdEncoding.DecodeString(asked.Body)
	if err != nil {
		return nil, apiErrorf(http.StatusBadRequest, "body must be the bytes of the body in base64, with = at the end")
	}
	return q.explain(explain.Question{Source: asked.Source, Body: body, Signature: asked.Signature})
}

// explain answers a question with the tokens of the running config, wherever the question comes from. One is answered at a
// time: the others wait, as long as who asks does.
func (q *request) explain(question explain.Question) (*api.SignatureExplanation, error) {
	if len(question.Body) > explain.MaxBody {
		return nil, apiErrorf(http.StatusRequestEntityTooLarge,
			"the body has %d bytes, and at most %d can be explained: Smartcar sends 50 KB at most", len(question.Body), explain.MaxBody)
	}
	if sources := q.Keys.Sources(); question.Source != "" && !slices.Contains(sources, question.Source) {
		return nil, apiErrorf(http.StatusNotFound, "there is no source %q: there are %s", question.Source, strings.Join(sources, ", "))
	}
	select {
	case q.explaining <- struct{}{}:
		defer func() { <-q.explaining }()
	case <-q.Context().Done():
		return nil, q.Context().Err()
	}
	ctx, cancel := context.WithTimeout(q.Context(), explainTimeout)
	defer cancel()
	return explain.Explain(ctx, question, explain.Configured(q.Keys, question.Source))
}
