// Package eventlog keeps events in the order in which they came, in files that only grow, the segments. It is what the
// disk buffer syncs: a group is on the disk as a whole or not at all, and all that the buffer knows beside the events
// follows from the groups.
//
// # Files
//
// A segment is named by its number, 000001.events and so on, without gaps. A log that is opened does not write into the
// segments that it finds, but into a new one, so what a crash has torn stays where it is.
//
// Numbers are little-endian, checksums CRC-32C.
//
//	segment   magic 8, number u64, base u64, first u64, checksum u32 of these
//	group     magic u32, length u32, number u64, first u64, records u32, batch u32,
//	          table checksum u32, batch checksum u32, checksum u32 of these
//	          the records, one behind the other
//	          table: the length u32 of each record, 0 for none
//	          batch
//
// Groups are numbered without gaps. "base" is the number of the last group before the segment, "first" the position of
// the next record. "length" is what follows the group's header, "records" how many records there are, "batch" the
// length of the batch: bytes that the owner gets back when a group is recovered. Positions are consecutive. A position
// may have no record.
//
// Records carry checksums of their own, which the owner knows how to check.
//
// Zeros may follow the last group, which the next groups overwrite: see preallocate.
//
// # What a crash leaves
//
// A group is written when the one before it is synced. So nothing whole can follow a group that is torn; where
// something does, the group is damaged. A segment before the last one ends with the base of the one behind it.
package eventlog
