package command

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/explain"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

func signatureCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signature",
		Short: "Says why a signature does not match",
	}
	cmd.AddCommand(signatureExplainCommand())
	return cmd
}

// signatureFlags are the flags of `signature explain`.
type signatureFlags struct {
	admin adminFlags
	// id is that of a request in the quarantine.
	id                               string
	body, signature, request, source string
	tokens                           tokenFlags
}

func signatureExplainCommand() *cobra.Command {
	var f signatureFlags
	cmd := &cobra.Command{
		Use:   "explain [ID]",
		Short: "Says under which token, in which form, a signature matches, or why none",
		Long: `Tries a body and its header SC-Signature, given here or kept in the quarantine under
an ID ("caddy smartcar quarantine"), with every token of the running Caddy, over
every known form of the body: as JavaScript, Python, Go or Ruby print its JSON, with
and without line ends, escapes, compression and so on. Says which one matches, what
that means and what to do; or, if none does, what that means. Prints lengths and the
beginning of SHA-256 sums only: no body, no token, no signature.

Tokens that Caddy does not have, such as the first one ever issued, are tried too
if --token-file or --token-env names them, here and not in Caddy, and in more forms:
in capitals, in quotes, without dashes. With them it works without a running Caddy.
A token is never an argument: other users of the machine can read those.

Exits with 0 if a token matches in one of the forms, and with 1 if none does.`,
		Example: `  caddy smartcar signature explain 019acf5d7a10-5f2c81d0
  caddy smartcar signature explain --body body.json --signature 9f40… --source production
  caddy smartcar signature explain --request dump.txt --token-file first-token.txt`,
		Args:         idOrNone,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.id = strings.Join(args, "")
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return runSignatureExplain(ctx, newPrinter(cmd), cmd.InOrStdin(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.body, "body", "", "a file with the body as it came, byte for byte; - is the standard input")
	flags.StringVar(&f.signature, "signature", "", "the header SC-Signature as it came")
	flags.StringVar(&f.request, "request", "", "a file with the whole request, header and body, in place of the two; - as above")
	flags.StringVar(&f.source, "source", "", "the source of the receiver that refused it")
	f.tokens.register(cmd)
	f.admin.register(cmd)
	return cmd
}

func runSignatureExplain(ctx context.Context, p printer, in io.Reader, f signatureFlags) error {
	given, err := f.tokens.read()
	if err != nil {
		return err
	}
	q, err := f.question(in)
	if err != nil {
		return err
	}
	e, notAsked, err := f.explained(ctx, q, given)
	if err != nil {
		return err
	}
	if f.admin.json {
		raw, err := json.MarshalIndent(e, "", "  ")
		if err := p.raw(append(raw, '\n'), err); err != nil {
			return err
		}
		return unexplained(e)
	}
	if notAsked != nil {
		fmt.Fprintf(p.out, "The running Caddy was not asked: %s\n\n", text.Clean(text.FirstLine(notAsked.Error())))
	}
	if err := p.signature(e); err != nil {
		return err
	}
	return unexplained(e)
}

// explained asks the running Caddy, and tries the tokens that were given here: they do not leave this process. Without
// an answer of Caddy, and with tokens to try, these are all that is tried, unless Caddy was asked for by flags;
// notAsked is why.
func (f *signatureFlags) explained(ctx context.Context, q explain.Question, given []explain.Tokens) (
	e *api.SignatureExplanation, notAsked, err error,
) {
	c, err := f.admin.client()
	if err != nil {
		return nil, nil, err
	}
	answer := new(api.SignatureExplanation)
	_, err = c.Call(http.MethodPost, "signature/explain", nil, api.SignatureQuestion{
		Source: q.Source, Body: base64.StdEncoding.EncodeToString(q.Body), Signature: q.Signature,
	}, answer)
	switch optional := len(given) > 0 && f.admin.address == "" && f.admin.config == "" && f.source == ""; {
	case err != nil && !optional:
		return nil, nil, err
	case err != nil:
		e, here := explain.Explain(ctx, q, given)
		return e, err, here
	case len(given) == 0:
		return answer, nil, nil
	}
	here, err := explain.Explain(ctx, q, given)
	if err != nil {
		return nil, nil, err
	}
	explain.Merge(answer, here)
	return answer, nil, nil
}

// unexplained is the error of a signature that no token matches.
func unexplained(e *api.SignatureExplanation) error {
	switch e.Verdict {
	case api.SignatureNoMatch:
		return errors.New("no token matches")
	case api.SignatureMalformed:
		return errors.New("the header holds no signature")
	case api.SignatureUnsigned:
		return errors.New("nothing was signed with a token")
	default:
		return nil
	}
}

// numbered is a paragraph of a list.
var numbered = regexp.MustCompile(`^\d\. `)

// signature prints an explanation for people.
func (p printer) signature(e *api.SignatureExplanation) error {
	body := fmt.Sprintf("%s, SHA-256 %s…", text.Plural(uint64(e.Body.Bytes), "byte"), e.Body.SHA256)
	switch {
	case len(e.Body.PrintedAs) > 0:
		body += ", " + e.Body.PrintedAs[0]
	case !e.Body.JSON:
		body += ", no JSON"
	}
	signature := text.Plural(uint64(e.Signature.Characters), "character")
	if e.Source != "" {
		signature += ", sent to " + text.Clean(e.Source)
	}
	tried := fmt.Sprintf("%s over %s of the body", text.Plural(uint64(len(e.Tried.Tokens)), "token"),
		text.Plural(uint64(len(e.Tried.Forms)), "form"))
	if e.Verdict == api.SignatureMalformed {
		tried = ""
	}
	if err := p.pairs([]pair{{"Body", body}, {"Signature", signature}, {"Tried", tried}}); err != nil {
		return err
	}
	for _, said := range e.Meaning {
		fmt.Fprintln(p.out)
		mark := numbered.FindString(said)
		for _, line := range p.wrapped(mark, said[len(mark):], unabridged) {
			fmt.Fprintln(p.out, line)
		}
	}
	if e.Verdict != api.SignatureNoMatch {
		return nil
	}
	fmt.Fprintln(p.out, "\nTokens that were tried:")
	for _, name := range e.Tried.Tokens {
		fmt.Fprintln(p.out, "  "+text.Clean(name))
	}
	fmt.Fprintln(p.out, "\nForms that were tried, many of them also with a line end behind:")
	var rows []string
	for _, form := range e.Tried.Forms {
		if !form.LineEnd {
			rows = append(rows, cells(text.Count(form.Bytes), form.SHA256, p.fit(form.Form, max(p.width-24, screen/2))))
		}
	}
	return p.table(cells("BYTES", "SHA-256", "THE BODY"), rows)
}
