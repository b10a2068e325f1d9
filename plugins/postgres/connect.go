package postgres

import (
	"context"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// poolConfig reads the URL and, for what it leaves out, the environment, as libpq does. The error says nothing of either.
func poolConfig(c config) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, sdk.ConfigError("url", "Not a way to a database",
			"Write it like \"postgres://user:password@db.internal:5432/fleet?sslmode=verify-full\", with special "+
				"characters of the password as %xx. The environment (PGHOST, PGSSLMODE ...) may be wrong too, or a file "+
				"that either names may be missing, such as sslrootcert.")
	}
	pc.MaxConns = int32(c.PoolSize)
	pc.MinConns = 0
	pc.ConnConfig.ConnectTimeout = c.ConnectTimeout
	if pc.ConnConfig.RuntimeParams["application_name"] == "" {
		pc.ConnConfig.RuntimeParams["application_name"] = "caddy-smartcar"
	}
	return pc, nil
}

func checkURL(c config) error {
	_, err := poolConfig(c)
	return err
}

// connect makes a pool. It does not wait for the database.
func connect(ctx context.Context, c config) (*pgxpool.Pool, error) {
	pc, err := poolConfig(c)
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, pc)
}

// address is where the database is looked for, as errors name it: neither user nor database nor password.
func address(pool *pgxpool.Pool) string {
	c := pool.Config().ConnConfig
	if strings.HasPrefix(c.Host, "/") {
		return c.Host
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

// noSuchDatabase is the SQLSTATE of a database's name that the server does not know.
const noSuchDatabase = "3D000"

// plainName is a name that cannot be a part of a URL that was taken apart in the wrong place.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

// nameable is the database's name where it gives nothing else away: it is the user's where the config names none.
func nameable(pool *pgxpool.Pool) string {
	c := pool.Config().ConnConfig
	if c.Database == c.User || c.Database == c.Password || !plainName.MatchString(c.Database) {
		return ""
	}
	return c.Database
}
