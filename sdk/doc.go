// Package sdk is what the author of a handler for caddy-smartcar imports.
//
// A handler is one function. It gets an event that Smartcar sent and that is already on disk, and its error says what
// becomes of the event:
//
//	nil                       done: the event comes again only if it is replayed
//	sdk.Reject("reason", err) no attempt can succeed: dead letter now
//	sdk.Unavailable(err)      what the handler needs is down: pause, count no attempt
//	sdk.Retry(after, err)     again after this time
//	any other error           again, when the handler's retry policy says so
//
// A panic is a retry with the panic's text; it does not end the process.
//
// Delivery is at least once: after a crash the same event may come again, so a handler must tolerate repetition.
// [Event.ID] is the same at every repetition. Smartcar promises no order: [Event.IsStale] tells which readings are
// older than those before. Events of one vehicle come one after the other unless the handlers file says order = "none".
// Events of different vehicles come at the same time, so a handler must be safe for concurrent use.
//
// The context of a call ends at the handler's timeout. A function that ignores it is not stopped: it runs on, and the
// next attempt at the event runs beside it, as does the vehicle's next event once this one is a dead letter.
//
// The program around it is short:
//
//	type Config struct {
//		Table string `config:"table" doc:"Where to write."`
//	}
//
//	func main() {
//		sdk.Serve(sdk.New("my-handler", func(ctx context.Context, c Config) (sdk.Handler, error) {
//			db, err := connect(ctx)
//			if err != nil {
//				return nil, err
//			}
//			sdk.OnClose(ctx, func(context.Context) error { return db.Close() })
//			return func(ctx context.Context, e *sdk.Event) error {
//				err := db.Insert(ctx, c.Table, e.ID, e.Payload)
//				if err != nil && db.Ping(ctx) != nil {
//					return sdk.Unavailable(err) // down: pause, count no attempt
//				}
//				return err
//			}, nil
//		}))
//	}
//
// # Config
//
// The config block of the handlers file is decoded into a struct. Its schema goes to the host, which reports unknown
// names and wrong types with file and line before the handler sees anything. Every exported field needs a tag:
//
//	`config:"name"`             an attribute or block of that name, required
//	`config:"name,optional"`    may be absent: the zero value
//	`config:"name,sensitive"`   never shown in a log or an error
//	`config:"-"`                not config
//	`default:"10s"`             used when absent; makes the attribute optional
//	`doc:"..."`                 one sentence for people
//
// Names are lower-case words joined by underscores. The types:
//
//	string, bool              as they are; a default is plain text
//	ints, uints, floats       numbers; out of range or a fraction for an int is an error
//	time.Duration             a string as time.ParseDuration reads it: "10s", "1m30s"
//	Bytes                     a string such as "64MiB" or "10MB", or a plain number
//	encoding.TextUnmarshaler  any type with it takes a string: netip.Addr, slog.Level
//	*T of these               optional; nil when absent
//	[]T, map[string]T         of the types above, also nested; a default is JSON
//	any                       any value, as encoding/json reads it: for what only the handler can check
//	struct                    a block; may be absent if all in it may
//	*struct                   a block that may be absent: nil
//	[]struct                  a block that may be repeated
//
// A misused tag panics in [New] with a text that names type and field, so that it cannot reach a user. A config type,
// and the type of every block, may have a method Validate() error, which is called when the values are set; see
// [ConfigError] for errors that point at an attribute.
package sdk
