package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/forms"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// Smartcar is the way of printing JSON that Smartcar has.
const smartcarPrints = "as JavaScript's JSON.stringify prints it"

// meaning says a verdict in words, and what to do, a paragraph each.
func meaning(e *api.SignatureExplanation) []string {
	var said []string
	switch e.Verdict {
	case api.SignatureMalformed:
		said = []string{
			"The header holds no signature: " + e.Signature.Problem + ".",
			"Smartcar sends 64 lower-case hexadecimal digits. Something between Smartcar and Caddy cuts or replaces the header" +
				" SC-Signature: have it pass the header on as it came. Or it was copied in part: give all of it.",
		}
	case api.SignatureNoMatch:
		said = noMatch(e)
	case api.SignatureUnsigned:
		said = []string{
			"The signature is only the SHA-256 of the body " + e.Matches[0].Form + ", made without a token. Anybody can make" +
				" it, so it says nothing of who sent it: Smartcar did not sign this. Refusing it is right.",
		}
	default:
		said = matched(e)
	}
	if e.Tried.LeftOut && len(e.Matches) == 0 {
		said = append(said, "The body is large, or nested deep: not all of its forms could be tried.")
	}
	return said
}

// matched says what a match means.
func matched(e *api.SignatureExplanation) []string {
	m := &e.Matches[0]
	what := "The signature matches " + tokenName(m)
	if e.Verdict == api.SignatureRight {
		what = "The signature is right: it matches " + tokenName(m)
	}
	if m.Key != "" {
		what += " " + m.Key
	}
	if m.Swapped {
		what += ", with key and message swapped,"
	}
	what += " over the body " + m.Form
	if m.Header != "" {
		what += "; the header has it " + m.Header
	}
	said := []string{what + "."}
	for _, cause := range m.Causes {
		said = append(said, changed[forms.Cause(cause)])
	}
	if slices.Contains(m.Causes, string(forms.Rewritten)) {
		said = append(said, printedBy(e, m)...)
	}
	if m.Header != "" {
		said = append(said, "Smartcar sends 64 lower-case hexadecimal digits and nothing else. Something between Smartcar and"+
			" Caddy writes the header SC-Signature anew: have it pass the header on as it came.")
	}
	if m.Key != "" {
		said = append(said, "So the token that was given is not written as the one that signed. Copy it again from Smartcar's"+
			" dashboard, and put it into Caddy's config as it stands there.")
	}
	if m.Swapped {
		said = append(said, "Smartcar does not do that, so this was signed by another program; the crate smartcar for Rust does"+
			" it. Have it use the token as the key and the body as the message.")
	}
	return append(said, whose(e, m)...)
}

// printedBy says who may have printed what came.
func printedBy(e *api.SignatureExplanation, m *api.SignatureMatch) []string {
	var said []string
	if len(e.Body.PrintedAs) > 0 {
		said = append(said, "What came is "+e.Body.PrintedAs[0]+": look for a program on the way that does this.")
	}
	if !strings.Contains(m.Form, smartcarPrints) {
		said = append(said, "What was signed is not printed as Smartcar does it, "+strings.TrimSuffix(smartcarPrints, " prints it")+
			" does: it may have been signed by a program of your own.")
	}
	return said
}

// whose says what to do about a token that the source in question does not have, and what of one that it has.
func whose(e *api.SignatureExplanation, m *api.SignatureMatch) []string {
	switch {
	case m.Given != "" && e.Tried.Running:
		return []string{"No receiver of the running Caddy matches, so none has this token. If it is one of your Smartcar" +
			" application, add it to the receiver, and reload: above the present `token` if the dashboard shows it now, as the" +
			" first one answers VERIFY, and else below: after a token was made anew Smartcar may go on signing LIVE events" +
			" with an earlier one, often the first that was ever issued."}
	case m.Given != "":
		return []string{"The running Caddy was not asked. If its receiver does not have this token, add it as one more `token`," +
			" and reload."}
	case e.Source != "" && m.Source != e.Source:
		return []string{fmt.Sprintf("The token is that of the source %s, and this was sent to %s: a webhook of that Smartcar"+
			" application has the callback URI of this one. Correct it in Smartcar's dashboard, or add the token to the receiver"+
			" of %s.", m.Source, e.Source, e.Source)}
	case e.Verdict == api.SignatureRight:
		return []string{"The receiver takes it as it is. If it was refused, the receiver did not have this token then, or it" +
			" refused it for another reason: the log line has its code."}
	default:
		return nil
	}
}

// changed says what lies behind each cause, and what to do.
var changed = map[forms.Cause]string{
	forms.Rewritten: "So something between Smartcar and Caddy reads JSON and prints it anew: an application firewall, a gateway" +
		" with a body mapping, a function that forwards events. Have it pass the bytes of the body on as they came.",
	forms.Escaped: "So something between Smartcar and Caddy writes characters as escapes, or escapes as characters, as programs" +
		" do that read JSON and print it anew. Have it pass the bytes of the body on as they came.",
	forms.LineEnds: "So line ends or blanks were put in, left out or changed. If the body is in a file, the editor or the" +
		" command that wrote it may have done that; if not, something between Smartcar and Caddy forwards the body as text:" +
		" have it pass the bytes on as they came.",
	forms.ByteOrderMark: "So a byte order mark was put before the body or taken away. If the body is in a file, the editor may" +
		" have done that; if not, something between Smartcar and Caddy handles the body as text: have it pass the bytes on.",
	forms.Compressed: "So something between Smartcar and Caddy compresses the bodies of requests, and what is in them was" +
		" signed. Turn that off for this address.",
	forms.Encoded: "So something between Smartcar and Caddy encodes the body: a gateway that hands it over in base64, or a form" +
		" or page that it was put into. Have it decode the body before it passes it on.",
	forms.Charset: "So something between Smartcar and Caddy takes the body for another character set than UTF-8, and converts" +
		" it. Have it pass the bytes of the body on as they came.",
	forms.Wrapped: "So the body was made a JSON string, or taken out of one: a program calls JSON.stringify, or its like, on a" +
		" text that is JSON already. Have it pass the bytes of the body on as they came.",
	forms.Part: "So not the body but a part of it was signed, which Smartcar does not do with events. Look at the program that" +
		" signs: it has to sign the whole body.",
}

// noMatch says what it means that no token matches.
func noMatch(e *api.SignatureExplanation) []string {
	said := []string{fmt.Sprintf("No token matches the body in any of %s.", text.Plural(uint64(len(e.Tried.Forms)), "form"))}
	switch asSmartcar := slices.Contains(e.Body.PrintedAs, smartcarPrints); {
	case len(e.Tried.Tokens) == 0:
		return []string{"There is no token to try: give one with --token-file or --token-env, or ask a Caddy that has one."}
	case asSmartcar:
		said = append(said, "The body is printed as Smartcar prints it, so it was hardly changed on its way: it is the token that"+
			" differs. What that can be, the likeliest first:")
	case !e.Body.JSON:
		said = append(said, "The body is no JSON, and Smartcar sends nothing else: it was cut off or replaced on its way, or this"+
			" was not sent by Smartcar. If the body was copied, save its bytes and not what a viewer shows of them.")
		return append(said, otherTokens...)
	default:
		said = append(said, "The body is not printed as Smartcar prints it"+printedInstead(e)+". So something on its way has changed"+
			" it, in more than its form, or this was not sent by Smartcar. Have a webhook post to Caddy without what lies between,"+
			" and compare. If that is refused too, it is the token that differs:")
	}
	return append(said, otherTokens...)
}

func printedInstead(e *api.SignatureExplanation) string {
	if len(e.Body.PrintedAs) == 0 {
		return ""
	}
	return " but " + e.Body.PrintedAs[0]
}

// otherTokens are the reasons for which a token differs from the one that signed.
var otherTokens = []string{
	"1. The token is that of another Smartcar application, or no Application Management Token: a client secret or an id looks" +
		" alike. It stands in the dashboard of the webhook's application, under Configuration, API credentials, at the bottom.",
	"2. The token was made anew lately: try the one that the dashboard shows now, with --token-file. Or, after that or after the" +
		" application was moved from version 2 to 3, Smartcar signs LIVE events with an earlier token, often the first that was" +
		" ever issued, while VERIFY and TEST match the new one: look for earlier ones in old configs and secret stores, and try" +
		" each.",
	"3. A token that is written differently: with --token-file or --token-env it is tried in capitals, in quotes, without its" +
		" dashes and so on, and with key and message swapped.",
	"4. If no earlier token is found and VERIFY is answered rightly: only deleting the Smartcar application and creating it" +
		" anew has helped others.",
	"5. A stranger sent it. Then refusing it is right.",
}
