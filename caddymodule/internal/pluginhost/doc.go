// Package pluginhost runs handler plugins: it starts one process per handler,
// watches it, starts it again when it is gone, and ends it. To dispatch a
// [Plugin] is a handler like any other; nobody else knows of the process.
//
// # The life of a process
//
//   - Launch (launch.go). The executable is checked (there, executable, right
//     sha256), a directory for its socket is made (runtimedir.go), and go-plugin
//     starts it through our own runner (runner.go) with a small environment
//     (env.go), none of the host's descriptors and no view into the host
//     (isolate_linux.go). The handshake on stdout leads to a gRPC connection over a
//     unix socket with mutual TLS. Describe returns who the plugin is and what config
//     it takes, Configure passes the config on. Only then is it up.
//   - Watch (health.go). The host waits for the process and sees its end at once.
//     Health checks find a process that runs but does not answer; after three missed
//     ones it is killed.
//   - Conditions (conditions.go). A plugin may tell of trouble that belongs to no event,
//     over a stream that stays open. One that does not know the call has none.
//   - Crash (crash.go). Calls under way learn how the process ended: if it ended by
//     itself, one of their events may be the cause; if the host ended it, none is.
//   - Supervise (supervise.go). A process that is gone is started again, after a
//     delay that grows from 250 ms to 30 s and starts over after a minute of health.
//     The host never gives up: events wait in the buffer meanwhile.
//   - Stop (stop.go). No more calls are taken, Shutdown asks the plugin to finish
//     what is in flight, and then the whole process group is ended.
//
// # Why our own runner
//
// go-plugin's own runner has four gaps that matter to a server that must go on:
// its log reader panics on a JSON line with a number as message, it believes that
// a process lives while any grandchild holds its stderr, it kills only the process
// and not what that started, and it leaves plugins behind when the host is killed.
// Ours reads stdout and stderr itself (stderr.go, logline.go,
// handshake.go) and gives go-plugin the handshake line and nothing else; it waits
// for the process and not for its pipes; it puts the process in a group of its own
// and kills the group; and it gives the process a pipe as stdin that ends when the
// host does, however that happens (lifeline.go).
package pluginhost
