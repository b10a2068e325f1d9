// Package quarantine keeps requests that were refused for their signature, so that they are not lost where the token was
// the mistake. Smartcar makes four attempts in 175 seconds and then drops an event for good; it may sign LIVE events
// with a token that the receiver does not have, while VERIFY and TEST come under the one that it has. Once the token is
// right, what verifies now can be released into the buffer.
//
// # What a stranger can do
//
// Nobody vouches for what is kept: anybody may send a body with 64 hex digits. So all is bounded: bytes on disk, number,
// age, and bytes written a second. [Store.Offer] copies a body into a small queue and never waits; one goroutine writes.
// Where there is too much, the network that takes the most gives way, in the queue (its newest) as on disk (its oldest):
// a flood from a few networks displaces itself, and Smartcar's own stay. A network is a /24 of IPv4 or a /48 of IPv6.
// A flood from thousands of networks displaces all the same, and so does one that comes through the same proxy as
// Smartcar, where the server does not know the client's address. The measure is what each costs on the disk, whole blocks:
// a flood of tiny bodies is no smaller for it.
//
// Of the attempts that Smartcar makes for an event the first is kept: a later one with the same contents, as
// smartcar.Envelope.Digest has them, of the same source and network, adds nothing. What another network sends under an
// event's id, or with other contents, is kept beside it and displaces nothing.
//
// # Once
//
// [Store.Release] verifies the kept bytes again, appends the event to the buffer, and removes the file after that is
// durable. Where it ends in between, the file is still there; released again, the buffer finds the event by its source
// and id. So that this holds for ever, nothing is released that is older than the buffer's dedupe window: what is kept
// is stamped by the buffer's own clock, and the age of a stamp and that of a remembered id are the same function. While
// that clock is not believed, nothing is deleted for its age, here as there.
//
// # On disk
//
// Each is a file of its own in the folder [Folder] of the buffer's directory, for the owner only. It is written under
// another name and renamed, without a sync: syncs of forged bodies would slow down those of events. A kill loses what
// waits in the queue, a power cut may lose the last half minute; nothing of it was answered with a 200. What a crash has
// torn, or a disk damaged, is deleted when it is found: it could never verify. A file of a later version, or one that the
// disk does not give, is left alone.
package quarantine
