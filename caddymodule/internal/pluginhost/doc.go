// Package pluginhost runs handler plugins: it starts one process per handler,
// watches it, starts it again when it is gone, and ends it. To dispatch a
// [Plugin] is a handler like any other; nobody else knows of the process.
//
// # The way of a process's life
//
//   - Launch (launch.go). The executable is checked (there, executable, right
//     sha256), a directory for its socket is made (runtimedir.go), and go-plugin
//     starts it through our own runner (runner.go) with a small environment
//     (env.go). The handshake on stdout leads to a gRPC connection over a unix
//     socket with mutual TLS. Describe tells who the plugin is and what config it
//     takes, Configure hands the config over. Only then it is up.
//   - Watch (health.go). The end of the process is seen by waiting for it, at once.
//     A process that lives but answers nothing is found by health checks; after
//     three missed ones it is killed.
//   - Fate (crash.go). Calls under way are told how it ended, once that is known: a
//     process that ended by itself may have been ended by one of their events, one
//     that the host ended was not.
//   - Supervise (supervise.go). A process that is gone is started again, after a
//     delay that grows from 250 ms to 30 s and begins anew after a minute of
//     health. It is never given up: events wait in the buffer meanwhile.
//   - Stop (stop.go). No more calls are taken, Shutdown asks the plugin to finish
//     what is in flight, and then the whole process group is ended.
//
// # Why our own runner
//
// go-plugin's own runner has four gaps that matter to a server that must go on:
// its log reader panics on a JSON line with a number as message, it takes a
// process for alive while any grandchild holds its stderr, it kills only the
// process and not what that started, and it leaves plugins behind when the host
// is killed. Ours reads stdout and stderr itself (stderr.go, logline.go,
// handshake.go) and gives go-plugin the handshake line and nothing else; it waits
// for the process and not for its pipes; it puts the process in a group of its own
// and kills the group; and it gives the process a pipe as stdin that ends when the
// host does, however that happens (lifeline.go).
package pluginhost
