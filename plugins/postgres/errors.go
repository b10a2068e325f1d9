package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// fault is who or what is to blame for an error.
type fault int

const (
	// faultUnknown may be the event's.
	faultUnknown fault = iota
	// faultOutage is the database's, or of who set it up: no event can be written.
	faultOutage
	// faultConflict comes of what others did at the same time.
	faultConflict
	// faultData is a value that the database will never take.
	faultData
)

// faults are by SQLSTATE, whole or its class: the first two characters. The whole code goes first.
var faults = map[string]fault{
	"08": faultOutage, // connection exceptions
	"0A": faultOutage, // feature not supported
	"21": faultUnknown,
	"22": faultData,
	"23": faultUnknown, // a constraint of the operator's own, which may be mended
	"25": faultOutage,  // a standby, or a transaction that was left idle
	"26": faultOutage,  // a prepared statement that is gone, as behind PgBouncer
	"28": faultOutage,  // not allowed in
	"3D": faultOutage,  // no such database
	"3F": faultOutage,  // no such schema
	"40": faultConflict,
	"42": faultOutage, // no such table or column, no right to it
	"53": faultOutage, // disk or memory full, too many connections
	"54": faultData,   // a value too large for a row or an index
	"55": faultOutage, // locked, or not in the right state
	"57": faultOutage, // starting, stopping, or somebody cancelled
	"58": faultOutage, // an I/O error
	"F0": faultOutage,
	"XX": faultOutage, // the database is damaged
}

// databaseError says of an error only what can hold nothing of an event and no secret. The database's own texts quote
// values: where something went wrong, the SQLSTATE, and the names of what was violated are all that is taken of them.
type databaseError struct {
	doing string
	fault fault
	text  string
	cause error
}

func (e *databaseError) Error() string { return e.doing + ": " + e.text }

// describe makes a databaseError of any error of pgx; nil stays nil. where is the database's address.
func describe(doing, where string, err error) *databaseError {
	if err == nil {
		return nil
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return &databaseError{doing, faultOf(refused.Code), textOf(refused), err}
	}
	if why, lost := connectionLost(err); lost {
		return &databaseError{doing, faultOutage, "the database at " + where + " cannot be reached: " + why, err}
	}
	// What is left is of pgx itself, such as a value that cannot be encoded, and quotes it.
	return &databaseError{doing, faultUnknown, "the values do not fit the types that the statement asks for", err}
}

func faultOf(code string) fault {
	if f, ok := faults[code]; ok {
		return f
	}
	return faults[code[:min(len(code), 2)]]
}

// textOf is such as: 42501 insufficient_privilege.
func textOf(e *pgconn.PgError) string {
	text := e.Code + " " + conditionName(e.Code)
	for _, named := range []struct{ what, name string }{
		{"constraint", e.ConstraintName}, {"table", e.TableName}, {"column", e.ColumnName},
	} {
		if named.name != "" {
			text += fmt.Sprintf(", %s %s", named.what, named.name)
		}
	}
	return "the database says " + text
}

// connectionLost reports whether no answer came from the database, and why, in words without a user, a database's name
// or a password.
func connectionLost(err error) (why string, lost bool) {
	var dns *net.DNSError
	var number syscall.Errno
	var connecting *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time", true
	case errors.Is(err, context.Canceled):
		return "the call was cancelled", true
	case errors.As(err, &dns):
		return "no such host", true
	case errors.As(err, &number):
		return number.Error(), true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "the connection was closed", true
	case errors.As(err, &connecting):
		return whyNoConnection(connecting), true
	case errors.As(err, &network), pgconn.SafeToRetry(err), errors.Is(err, pgx.ErrTxClosed), errors.Is(err, pgx.ErrTxCommitRollback):
		return "the connection failed", true
	}
	return "", false
}

// whyNoConnection knows the refusals of pgx itself, which have no type.
func whyNoConnection(err *pgconn.ConnectError) string {
	switch text := err.Error(); {
	case strings.Contains(text, "refused TLS"):
		return "the server has no TLS, and sslmode asks for it"
	case strings.Contains(text, "tls: ") || strings.Contains(text, "x509: "):
		return "its certificate is not accepted; see sslmode and sslrootcert"
	case strings.Contains(text, "read only") || strings.Contains(text, "read-only") || strings.Contains(text, "standby"):
		return "it is not the kind of server that target_session_attrs asks for"
	}
	return "no connection could be made"
}

func (e *databaseError) Unwrap() error { return e.cause }

// code is the SQLSTATE, "" where the database gave none.
func (e *databaseError) code() string {
	var refused *pgconn.PgError
	if errors.As(e.cause, &refused) {
		return refused.Code
	}
	return ""
}
