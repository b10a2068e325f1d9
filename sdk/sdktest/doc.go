// Package sdktest runs a handler in a test as the host runs it: over the real protocol, gRPC on a unix socket, with a
// config that is checked against the plugin's schema.
//
//	func TestHandler(t *testing.T) {
//		host := sdktest.Start(t, myhandler.Plugin(), sdktest.Config{"table": "events"})
//		results := host.Handle(t.Context(), sdktest.VehicleState("event-1", "vehicle-1"))
//		if results[0].Status != sdk.StatusDone {
//			t.Error(results[0])
//		}
//	}
//
// The plugin runs in the test's own process, so the debugger and the race detector see it. What happens when a plugin's
// process is killed is for the project's own tests.
//
// go-plugin keeps two goroutines of each run waiting on a pipe that only the garbage collector closes. A test with
// goleak passes goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan").
package sdktest
