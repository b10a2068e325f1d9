package postgres

import (
	"errors"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// config is the config block of the handlers file.
type config struct {
	URL            string        `config:"url,optional,sensitive" doc:"How to reach the database: a URL or a connection string, as psql takes it. What it leaves out is read from PGHOST, PGUSER and so on."`
	Schema         string        `config:"schema" default:"smartcar" doc:"The schema in which the tables are."`
	Migrate        bool          `config:"migrate" default:"false" doc:"Whether to create the schema and its tables, and to change them for a later version."`
	Events         bool          `config:"events" default:"true" doc:"Whether to store every event, with its raw body."`
	Signals        bool          `config:"signals" default:"false" doc:"Whether to keep the newest reading of each signal of each vehicle."`
	Errors         bool          `config:"errors" default:"false" doc:"Whether to store the errors that VEHICLE_ERRORs open and resolve."`
	Statement      string        `config:"statement,optional" doc:"SQL to run for each event instead, with arguments such as @event_id and @payload."`
	PoolSize       int           `config:"pool_size" default:"4" doc:"How many connections there are at most."`
	ConnectTimeout time.Duration `config:"connect_timeout" default:"5s" doc:"How long to wait for a connection to one address."`
}

// DefaultSchema is the schema of a config that names none.
const DefaultSchema = "smartcar"

// Validate checks what types cannot express. It never repeats the URL, which may hold a password.
func (c config) Validate() error {
	errs := []error{checkURL(c)}
	if err := checkSchema(c.Schema); err != nil {
		errs = append(errs, sdk.ConfigError("schema", "Not a schema's name", err.Error()))
	}
	if c.PoolSize < 1 || c.PoolSize > 1000 {
		errs = append(errs, sdk.ConfigError("pool_size", "Not a number of connections", "Use 1 to 1000."))
	}
	if c.ConnectTimeout < time.Millisecond {
		errs = append(errs, sdk.ConfigError("connect_timeout", "Too short", "Use a time such as \"5s\"."))
	}
	if c.Statement != "" {
		return errors.Join(append(errs, c.checkStatement())...)
	}
	if !c.Events && !c.Signals && !c.Errors {
		errs = append(errs, sdk.ConfigError("events", "Nothing to store",
			"Set events, signals or errors to true, or write a statement of your own."))
	}
	return errors.Join(errs...)
}

// checkStatement checks the statement, and that no option of the tables stands beside it.
func (c config) checkStatement() error {
	errs := []error{checkArguments(c.Statement)}
	for _, option := range []struct {
		name string
		set  bool
	}{{"migrate", c.Migrate}, {"signals", c.Signals}, {"errors", c.Errors}} {
		if option.set {
			errs = append(errs, sdk.ConfigError(option.name, "Does not go with statement",
				"With a statement of your own none of the plugin's tables is used. Leave one of the two out."))
		}
	}
	return errors.Join(errs...)
}
