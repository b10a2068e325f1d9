// Package vehicles knows of each vehicle when it was last heard of, how new its newest reading is, and which of its
// VEHICLE_ERRORs are open. It answers "when did I last hear from this car?", also for a million of them.
//
// # How it learns
//
// [Watch.Stored] is called for each new event when it is stored. It notes what has changed in a bounded map, and never
// waits for a disk. What needs a parser, the errors of a VEHICLE_ERROR, it copies into a bounded queue. A goroutine
// writes both away every few seconds.
//
// Each event has a position in the buffer, and none is left out: positions that were noted are marked, and what is not
// marked is read from the buffer some seconds later. So it does not matter why one was not noted: the map was full, the
// event was stored for a request that had gone away, or it was recovered from damaged files. How far all is noted is
// kept on disk, in the same step as what was noted; a start goes on from there, at a bounded rate. Noting an event twice
// changes nothing: the later time counts, whichever comes first.
//
// # Where it is kept
//
// In a small Pebble of its own in the folder [Folder] of the buffer's directory. Nothing else depends on it: where it is
// damaged, or of another version, it is deleted and made anew of the events that the buffer still has. One vehicle takes
// 40 to 80 bytes on disk.
//
// A vehicle that nothing was heard of for [Settings.ForgetAfter] is deleted. So are the ones that were silent the
// longest, where there are more than two million.
package vehicles
