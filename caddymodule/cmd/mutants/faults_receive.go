package main

// Forgeries: what is taken for a webhook of Smartcar's, and what the receiver signs.
var signatureFaults = []fault{
	{
		name: "signature-of-parsed-body", harm: "the signature is checked over the JSON written anew, so that what is stored is not what was signed",
		file: "caddymodule/receiver_serve.go",
		edits: []edit{
			{"import (\n", "import (\n\t\"encoding/json\"\n"},
			{"index, ok := rc.keys.Verify(s.body, signature)", `var parsed any
	written := s.body
	if json.Unmarshal(s.body, &parsed) == nil {
		written, _ = json.Marshal(parsed)
	}
	index, ok := rc.keys.Verify(written, signature)`},
		},
		noticed: []test{{pkgReceiver, "TestSignatureIsOfTheBytes"}},
	},
	{
		name: "signature-of-trimmed-body", harm: "blanks around the body do not count, so that a body is taken that was not signed",
		file:    "sdk/smartcar/keys.go",
		edits:   []edit{{"mac.Reset()\n\tmac.Write(body)", "mac.Reset()\n\tmac.Write([]byte(strings.TrimSpace(string(body))))"}},
		noticed: []test{{pkgSmartcar, "TestVectors"}},
	},
	{
		name: "signature-first-token-only", harm: "while a token is rotated, every webhook signed with the other one is refused and lost",
		file:    "sdk/smartcar/keys.go",
		edits:   []edit{{"for i := len(s.macs) - 1; i >= 0; i-- {", "for i := min(1, len(s.macs)) - 1; i >= 0; i-- {"}},
		noticed: []test{{pkgSmartcar, "TestVerify$"}}, quick: true,
	},
	{
		name: "signature-prefix", harm: "only the first 31 bytes of a signature count",
		file:    "sdk/smartcar/keys.go",
		edits:   []edit{{"subtle.ConstantTimeCompare(s.sign(i, body), s.want[:])", "subtle.ConstantTimeCompare(s.sign(i, body)[:31], s.want[:31])"}},
		noticed: []test{{pkgSmartcar, "TestVerify$"}}, quick: true,
	},
	{
		name: "signature-empty-token", harm: "an empty token is a key, with which anybody can sign",
		file:    "sdk/smartcar/keys.go",
		edits:   []edit{{"\t\tif token != \"\" {\n\t\t\ts.macs[i] = hmac", "\t\t{\n\t\t\ts.macs[i] = hmac"}},
		noticed: []test{{pkgSmartcar, "TestVerify$"}}, quick: true,
	},
	{
		name: "signature-missing-is-right", harm: "anybody can store events by sending no signature at all",
		file: "caddymodule/receiver_serve.go",
		edits: []edit{{"return rc.refuseSignature(w, r, o, refuseNoSignature, body, \"\")", `s := &scratch{body: body}
	envelope, err := smartcar.ParseEnvelope(body)
	rc.fillEvent(s, r, &envelope, "", err)
	return rc.serveEvent(w, r, o, s)`}},
		noticed: []test{{pkgReceiver, "TestUnsignedEventIsRefused"}},
	},
	{
		name: "signature-mismatch-is-right", harm: "anybody can store events with any signature",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"if !ok {\n\t\treturn rc.refuseSignature(w, r, o, refuseMismatch", "if !ok && rc == nil {\n\t\treturn rc.refuseSignature(w, r, o, refuseMismatch"}},
		noticed: []test{{pkgReceiver, "TestSignatureIsOfTheBytes"}},
	},
	{
		name: "signature-of-several-headers", harm: "of two signature headers the first counts here and perhaps the other elsewhere",
		file:    "caddymodule/request.go",
		edits:   []edit{{"default:\n\t\treturn values[0], refuseSignatures", "default:"}},
		noticed: []test{{pkgReceiver, "TestCheckSignatureHeader"}},
	},
	{
		name: "verify-answers-any-text", harm: "a VERIFY with an event as its challenge is answered with that event's signature",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"if !rc.challenge.Plain(e.Challenge) {", "if e.Challenge == \"\" {"}},
		noticed: []test{{pkgReceiver, "TestOnlyPlainChallengesAreAnswered"}},
	},
	{
		name: "challenge-with-braces-is-plain", harm: "the rule for challenges lets the body of an event pass",
		file:    "sdk/smartcar/challenge.go",
		edits:   []edit{{"|| c == '-' || c == '_'", "|| c >= '!' && c <= '~'"}},
		noticed: []test{{pkgSmartcar, "TestPlainChallenge|TestNoPlainChallengeIsAnEvent"}},
	},
	{
		name: "challenge-as-event", harm: "the answer to a challenge is taken as the signature of an event with the challenge as its body",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"if len(s.body) <= maxChallenge && anyChallenge.Plain(string(s.body)) {", "if len(s.body) == 0 {"}},
		noticed: []test{{pkgReceiver, "TestChallengeAnswerIsNoSignature"}},
	},
	{
		name: "verify-without-rate", harm: "anybody can have as many texts signed as they like",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"if !bucket.Allow() {", "if !bucket.Allow() && o.token < 0 {"}},
		noticed: []test{{pkgReceiver, "TestVerifyRate"}},
	},
	{
		name: "verify-one-bucket", harm: "strangers who send VERIFY keep Smartcar's own from being answered",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"bucket = rc.signedVerifies", "bucket = rc.verifies"}},
		noticed: []test{{pkgReceiver, "TestSignedVerifyHasItsOwnRate"}},
	},
	{
		name: "token-in-an-error", harm: "a token that is too short stands in the error, and so in the log",
		file:    "caddymodule/tokens.go",
		edits:   []edit{{`return fmt.Errorf("is too short: %d characters,`, `return fmt.Errorf("is too short: "+token+": %d characters,`}},
		noticed: []test{{pkgReceiver, "TestExpandTokens"}},
	},
	{
		name: "token-in-the-log", harm: "a token that was sent in the place of a signature is logged",
		file:    "caddymodule/receiver_log.go",
		edits:   []edit{{"case isHexDigest(signature):", "case signature != \"\":"}},
		noticed: []test{{pkgReceiver, "TestLogsKeepSecrets"}},
	},
	{
		name: "challenge-answer-in-the-log", harm: "who reads the log has a text's right signature",
		file:    "caddymodule/receiver_log.go",
		edits:   []edit{{`slog.String("webhook_id", printable(e.WebhookID)),`, `slog.String("answer", rc.keys.AnswerChallenge(e.Challenge)),`}},
		noticed: []test{{pkgReceiver, "TestLogsKeepSecrets"}},
	},
	{
		name: "body-in-the-log", harm: "where people drive stands in the log",
		file:    "caddymodule/receiver_log.go",
		edits:   []edit{{`slog.Int("payload_bytes", len(ev.Body)),`, `slog.String("payload", string(ev.Body)),`}},
		noticed: []test{{pkgReceiver, "TestLogsKeepSecrets"}},
	},
}

// What becomes of a webhook of Smartcar's before it is on disk.
var receiverFaults = []fault{
	{
		name: "answer-before-append", harm: "a 200 is sent while the event is still on its way to the disk",
		file: "caddymodule/receiver_serve.go",
		edits: []edit{{"receipt, err := rc.store.Append(ctx, ev)", `var receipt buffer.Receipt
	var err error
	kept := *ev
	kept.Body = append([]byte{}, ev.Body...)
	go func() { _, _ = rc.store.Append(context.Background(), &kept) }()`}},
		noticed: []test{{pkgReceiver, "TestAnswersComeAfterTheSync"}},
	},
	{
		name: "full-is-stored", harm: "events that found no room are answered with 200 and lost",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"if err != nil {\n\t\treturn rc.refuseStore(", "if err != nil && !errors.Is(err, buffer.ErrFull) {\n\t\treturn rc.refuseStore("}},
		noticed: []test{{pkgReceiver, "TestStoreFailures"}},
	},
	{
		name: "late-is-stored", harm: "events that were not stored in time are answered with 200, stored or not",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"if err != nil {\n\t\treturn rc.refuseStore(", "if err != nil && !errors.Is(err, context.DeadlineExceeded) {\n\t\treturn rc.refuseStore("}},
		noticed: []test{{pkgReceiver, "TestStoreTimeout"}},
	},
	{
		name: "client-ends-the-store", harm: "a sender that hangs up ends the write of an event that has arrived",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"rc.store.Append(ctx, ev)", "rc.store.Append(r.Context(), ev)"}},
		noticed: []test{{pkgReceiver, "TestStoreOutlivesClient"}},
	},
	{
		name: "unreadable-dropped", harm: "an event in a form that is new is answered with 200 and lost",
		file: "caddymodule/receiver_serve.go",
		edits: []edit{{"rc.fillEvent(s, r, &envelope, signature, err)\n", `if err != nil {
		o.result = outcomeUnreadable
		rc.counts.trouble.stored()
		rc.counts.unreadable.Add(1)
		rc.fillEvent(s, r, &envelope, signature, err)
		rc.logUnreadable(r, o, &s.event)
		return writeJSON(w, http.StatusOK, sayUnreadable)
	}
	rc.fillEvent(s, r, &envelope, signature, err)
`}},
		noticed: []test{{pkgReceiver, "TestUnreadableIsStored"}},
	},
	{
		name: "no-id-is-one-id", harm: "all events without an id are taken for one event sent again and again, and lost but for the first",
		file:    "caddymodule/receiver_serve.go",
		edits:   []edit{{"return smartcar.BodyDigest(body)", "return smartcar.BodyDigest(nil)"}},
		noticed: []test{{pkgReceiver, "TestEventsWithoutAnIDDiffer"}},
	},
	{
		name: "body-of-the-request-before", harm: "an event is stored with the bytes of the one before it",
		file:    "caddymodule/body.go",
		edits:   []edit{{"s.body = s.body[:0]\n\tp.pool.Put(s)", "p.pool.Put(s)"}},
		noticed: []test{{pkgReceiver, "TestBodiesDoNotMix"}},
	},
	{
		name: "size-limit-off", harm: "whoever knows the address makes Caddy hold a body of any announced size",
		file:    "caddymodule/request.go",
		edits:   []edit{{"if r.ContentLength > maxSize {", "if r.ContentLength > maxSize && maxSize < 0 {"}},
		noticed: []test{{pkgReceiver, "TestCheckHead"}},
	},
	{
		name: "size-limit-off-when-chunked", harm: "whoever knows the address makes Caddy hold a body of any size that is not announced",
		file:    "caddymodule/body.go",
		edits:   []edit{{"src = http.MaxBytesReader(w, r.Body, maxSize)", "src = r.Body"}},
		noticed: []test{{pkgReceiver, "TestBodyOfUnknownLengthIsBounded"}},
	},
	{
		name: "dry-run-drops", harm: "asking which dead letters would be dropped drops them",
		file:    "caddymodule/admin_letters.go",
		edits:   []edit{{"\tif dryRun {\n\t\treturn answer, nil\n\t}\n", ""}},
		noticed: []test{{pkgReceiver, "TestDryRunDropsNothing"}},
	},
	{
		name: "no-filter-is-everything", harm: "an order to drop dead letters whose filter got lost drops all of them",
		file:    "caddymodule/admin_letters.go",
		edits:   []edit{{"case everything(f) && !all:", "case everything(f) && !all && say == \"\":"}},
		noticed: []test{{pkgReceiver, "TestDryRunDropsNothing"}},
	},
}
