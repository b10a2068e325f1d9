// Package child runs the programs of users for the plugins stdio and exec, and leaves none behind.
//
// # How a program ends
//
//   - By itself. Its process is waited for, not its pipes: a grandchild that holds them open cannot hide an exit, and
//     is read for a moment more only.
//   - By Kill. What it started goes with it: on Unix a program has a process group, which is killed as a whole, also
//     when the program has ended by itself.
//   - With this process. On Linux the kernel kills the program when this process ends in whatever way, be it kill -9.
//     Everywhere its stdin ends then.
//
// The group is the program's own, or, where Spec.ShareGroup is set, that of this process. The host puts each plugin into
// a group of its own and kills that group when the plugin has ended. So what shares the group ends with the plugin,
// grandchildren too, even after a kill -9 that leaves the plugin no time to do anything; what has a group of its own can
// be killed alone, such as a command at its timeout.
package child
