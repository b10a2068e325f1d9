// Package disk is the embedded buffer: events in a log of their own, look-ups and progress in a
// Pebble store, in one directory, written by one process.
//
// Everything that must agree is written in one group, and one goroutine, the
// committer, writes all groups: it takes what waits (appends, settlements,
// trims), stages them together, syncs once, and wakes the waiters. While the
// disk syncs, the next group gathers; there is no timer.
//
// # Log
//
// A group is the records of its events and a Pebble batch with all else that it changes. It is appended to a log of segment
// files, NNNNNN.events, with one write and one fdatasync; package eventlog has their layout. Only then the batch is applied to Pebble, which
// has no log of its own: ours is its log too. So an event's body is written once. In Pebble it went to a log, then to a table, and was merged from there.
//
// Each batch says in mapplied up to which group the store is, so a flush keeps that with the rest. The start replays the groups above it from the
// log into Pebble, and flushes. While the buffer is open, Pebble is flushed when a new segment begins, and at the end.
//
// # Keys
//
// Numbers in keys are big-endian, so that byte order is number order.
//
//	c <consumer>                             progress of a consumer
//	d <bucket start, s u32> <key hash 16>    dedupe entry
//	i <consumer>                             since when it is paused or an orphan
//	m <name>                                 what the store knows of itself
//	n <consumer> 0 <key>                     memo
//	q <consumer> 0 <position u64>            deferred position → its lane
//	r <consumer> 0 <position u64>            copy of a reopened event's record
//	w <consumer> 0 <lane len u16> <lane> <position u64>
//	                                         deferred event → its Retry
//	x <died at, ns u64> <position u64> <handler>
//	                                         dead letter with a copy of the event
//
// A DeadLetterID is what follows the x, in base 32.
//
// Two of the m keys belong to the log:
//
//	mapplied    the last group that is applied, the next position, and the total size of all events so far
//	mbeginning  the first position that is kept, and the total size of the events before it
//
// The format is 4. No release wrote an earlier one, so earlier ones are refused.
//
// Positions start at 1 and are given in commit order. An event that could not be
// read as one takes a position but has no record in the log, only a dead letter, so
// positions may have gaps; a gap counts as settled.
//
// # Event record
//
//	version        1 byte, 1
//	received at    varint seconds, uvarint nanoseconds
//	digest         8 bytes
//	strings        uvarint length, bytes; in the order of buffer.Event
//	body           uvarint length, bytes
//	stored at      8 bytes, ns: the buffer's own clock
//	total          8 bytes: sizes of all events appended so far, this one included
//	checksum       4 bytes, CRC-32C of all the above, xor the position's two halves
//
// The last three are added by the committer, which alone knows them; "total" makes
// the size of any range of events a subtraction.
//
// # Dedupe
//
// The key is a SHA-256 of source and id, cut to 128 bits: fixed size, whatever
// the id's length, and even in any range. A bucket starts when the one before it
// is as old as the window; a look-up reads every bucket that may hold an entry
// young enough, which is two unless the window was changed. A Bloom filter in memory spares
// most look-ups: it knows of nearly every new id that it is new. The callers look up before they
// queue, side by side; the committer has only to check against what was
// committed since, which it keeps in memory. A whole bucket goes with one
// range deletion.
//
// # Progress
//
// A consumer's record is its low position, up to which all is settled or deferred, and a
// bitmap of what is settled or deferred in the window of positions above it. It
// is written once per group, however many events the group settles. Lease does not go beyond the
// window: an event that stays leased while 8192 later ones are settled holds up
// its consumer (and nobody else) until it is settled or deferred.
//
// # Deferred events
//
// A look-up of what is deferred, in a lane or at all, would go over the tombstones of all that was worked off before. A seek hint
// in memory, a position that no entry is below, spares it that. It rises to the first entry that a look-up sees, and
// falls as soon as something lower is to be deferred or reopened, before that is on its way; while it is, no seek hint
// rises above it. A missing seek hint costs time only.
//
// # Reopened events
//
// To reopen a settled event, the committer checks that it is settled in what is staged so far, and
// writes the same two entries as for a deferred event; the position stays marked in the bitmap. A dead letter that it comes from
// goes in the same batch. Where the event itself is trimmed or damaged, the letter's copy becomes an r record, which lives until the
// event is settled. A deferred position below the first stored event therefore holds nothing back.
//
// # Trimming and orphans
//
// Events go in order of position, up to the first that a consumer has not settled: mbeginning moves on. Their space stays until all events of their segment are
// trimmed; then the segment goes, once all its groups are applied. A segment is a sixteenth of max_size, 64 MiB at most. It is
// looked for when a new one begins and after a trim. While the disk is short of the headroom, a trim begins a new one at once, so that the one before
// it can go as well.
//
// A trim is thought of
// outside the committer, which looks again at who holds what when it stages it, since a consumer may have been
// made, opened, or may have reopened something in between. An orphan, a consumer without a handler, holds its
// events until Retention has passed since it became one, and gives way earlier above 93 % of max_size or while the disk is short of the headroom. It gives way
// in no case within 15 minutes: a handler that is away by mistake, or for a reload that is taken back, must lose nothing. What it loses is
// deleted in the group that trims the events. Once its time is over and nothing is left of what was stored when it became an orphan, it goes with its memos.
//
// Limits that keep less than those before decide what goes only a minute after Reconfigure, since what goes cannot be
// had back when the config is.
//
// # The system's memory
//
// Every 4 MiB of events the log gives the pages back in which the system keeps those that all consumers have settled or put off: they are kept
// for replay, and read seldom. Where a consumer lags, all that it has not had stays. It is a hint that only Linux takes.
//
// # Sizes
//
// max_size counts events, dead letters and r records, each with some bytes for its keys. Deferred entries
// and memos are not counted: the former are small and bounded by the events, the latter by what handlers keep, such as some
// 20 bytes for each signal of each vehicle, until the consumer is removed. Events are
// refused above 95 % of it, so that dead letters and copies, which never are, have room. Events are not compressed, so the files take about what
// counts, up to a segment more, and the deferred entries, memos and ids.
//
// # Failures
//
// All writes, of the log and of Pebble, pass a failstopFS. The first one that fails halts the buffer
// and freezes the directory: from then on nothing reaches it, as if the machine had
// crashed at that moment, and Pebble, which would end the process on such
// errors, sees them succeed until it is closed right after. So the
// directory is always as some crash would leave it, which is the one thing that
// a store recovers from for sure. Only where the disk is full a write waits, since it
// has failed cleanly, and goes on when there is space.
//
// A damaged record costs its event only, which becomes a dead letter. Where a group's header or its lengths are damaged, all its events do. Damage other
// than to records keeps the buffer from opening in groups that are not applied yet, since Pebble would lack what they changed; so does a segment that is
// missing or does not begin as one does, or a log that ends before mapplied.
//
// Damage at rest is told from the torn end that a crash leaves by what follows it: a group is written when the one before it is synced. Where nothing
// follows, the control file tells, a file that holds how Pebble's manifest, and the segments that are not applied yet, looked when they were
// synced. A store that has less than it says does not open, and is left as it is. Damage to the last group after a crash, younger than the
// control file, looks torn.
package disk
