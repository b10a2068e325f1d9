// Package powercut proves the promise behind a 200 by cutting the power: the raw event is
// on disk, and every handler that wants it gets it at least once, in order per vehicle,
// until it is done or a dead letter.
//
//	go test ./caddymodule/integration/powercut -run TestPowerCut -count=1 -timeout 2h -seeds 10000
//
// # What runs
//
// The real engine, dispatch, replays and disk buffer, as under Caddy; handlers are
// definitions of real handlers files (testdata/handlers). Two things are not those of the
// product: the disk, which is Pebble's crashable file system, and the handlers' processes,
// which are objects of the test, since thousands of histories cannot start one each.
// TestPowerCutProcesses does with real processes, for a few.
//
// A seed is a history of about 60 events of some vehicles: several senders at a time, who
// send the same event again, also side by side, or go away without waiting for the answer;
// handlers that answer done, retry, reject or unavailable, are slow, hang, end by
// themselves, or do not start; batches; reloads, some refused and some taken back; handlers
// that are removed and put back; pauses; replays; restarts; and retention that trims. No
// real time passes (testing/synctest), and a goroutine that is left behind is a failure.
//
// # The cut
//
// Before a random operation on the file system (write, sync, create, rename, remove …, on
// the log of events, Pebble's tables, manifest, markers, or directories: so in the middle of a group of
// appends, a flush, a compaction, a start) the disk is copied as a power cut would leave it:
// what was synced, and a random part of what was not, from nothing to all (as when only the
// process is killed). The program starts again on the copy, and the power may go in that
// start, too. There are up to four such cuts in a history, at least one, and one more when
// all is settled. Memtables are small, so that flushes and compactions happen.
//
// # What must hold
//
// The ledger writes down what the outside world was told: each append that returned nil,
// each delivery and its answer, each Settle that returned nil. At each start the store is
// read and held against it, before handlers get anything.
//
//   - Lost: every event whose append returned nil is there with its bytes, at its position,
//     under its id, and in the end each handler that wants it has answered done or has it
//     among its dead letters. An event that a handler was given is there as well. What
//     cannot be read as an event is among the dead letters.
//   - Out of order: where the order is "vehicle", an event is delivered only when all earlier
//     ones of the vehicle, which that handler wants, have their last answer, and never while
//     another of the vehicle is with the handler. Events of a replay are exempt: they go when
//     they can. (The model in internal/dispatch holds those to account.)
//   - Repeated: an event is stored once, however often it is sent and whenever. No event is
//     delivered after its last answer but for what was in flight (below), and none whose
//     settlement was durable, unless it is replayed.
//   - Forgotten: counted attempts and crashes, the time before which a failed event is not
//     delivered again, pauses, replays and the handlers' positions are there after a cut if
//     it was said that they are durable.
//   - Other: an append or a reload fails without a reason, a batch is too large, or an event
//     comes that is not wanted.
//
// # What may repeat
//
// An event is in flight for a handler from the beginning of the call that delivers it until
// the outcome of the answer is durable. When a cut comes in between, the event may be
// delivered once more; so it is after a restart that gave up waiting for a call. Nothing
// else repeats. How long the outcome takes is bounded, too: an answer that was given 200 ms
// before the cut must be durable, in a world where a disk takes no time and each Settle up
// to 30 ms; and after a stop in good order every answer is.
//
// # Seeds
//
// A failure prints its seed, what happened to the event concerned, and the command that plays
// this history alone. Random numbers depend on the seed, but goroutines take turns by
// chance, so a history may have to be played some times.
//
// That the test can fail is shown by planting faults, such as an answer before the sync:
//
//	go test ./caddymodule/integration/powercut -run TestFaultsAreNoticed -count=1 -timeout 1h -faults
package powercut
