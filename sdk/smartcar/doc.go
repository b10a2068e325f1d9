// Package smartcar knows Smartcar's own webhook rules: how a request is signed,
// how a callback address is verified, what an event looks like, and which signal
// and error codes exist. It imports nothing but the standard library.
//
// # Signature
//
// The header SC-Signature holds the hexadecimal HMAC-SHA256 of the raw request
// body, keyed with the text of an Application Management Token. [Keys] checks it
// against several tokens, so that a token can be rotated without losing an event. The bytes must be those of the
// request: a body that was parsed and printed again has another signature.
//
//   - https://smartcar.com/docs/integrations/webhooks/payload-verification
//   - https://smartcar.com/docs/integrations/webhooks/best-practices/security
//
// # Verification of a callback address
//
// A VERIFY request carries a challenge, and the answer is the HMAC-SHA256 of that
// challenge under the same token, see [Keys.AnswerChallenge] and [AnswerBody]. Key and function are those of the
// signature, so whoever answers any challenge signs any body for anybody. [PlainChallenge] reports which challenges are
// safe to answer.
//
//   - https://smartcar.com/docs/integrations/webhooks/callback-verification
//   - https://smartcar.com/docs/api-reference/webhooks/events/verify
//
// # Events
//
// [ParseEnvelope] reads the few fields by which an event is stored and routed, and [ParseEvent] the whole event. Both
// read version 4 and the older version 2.0, and both are tolerant: they accept unknown fields, and a known field of a
// wrong type counts as absent. Only a body that is not a JSON object, or that does not say what type of event it is, is
// unreadable.
//
//   - https://smartcar.com/docs/api-reference/webhooks/events/overview
//   - https://smartcar.com/docs/api-reference/webhooks/events/vehicle-state
//   - https://smartcar.com/docs/api-reference/webhooks/events/vehicle-error
//   - https://smartcar.com/docs/api-reference/webhooks/delivery-behavior
//   - https://smartcar.com/docs/getting-started/tutorials/webhooks-event-based (version 2.0)
//
// Smartcar delivers at least once and in no order. A retry keeps the eventId and
// renews meta.deliveryId and meta.deliveredAt, so its body and its signature differ from the first attempt's;
// [Envelope.Digest] omits those values and is the same for both.
//
// # Codes
//
// [Signals] and [ErrorTypes] list what is documented. Treat both as open sets: an event may have an unknown code.
//
//   - https://smartcar.com/docs/api-reference/signals/schema
//   - https://smartcar.com/docs/api-reference/api-errors
//
// # Samples
//
// [Sample] makes event bodies of the documented shape for tests and load.
package smartcar
