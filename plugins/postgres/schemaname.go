package postgres

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// plainSchema is a name that needs no quotes, so that the README's queries can be typed as they are.
var plainSchema = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// reserved are the words that PostgreSQL 18 and those before take for a schema's name in quotes only.
var reserved = strings.Fields(`
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right
select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using
variadic verbose when where window with`)

// checkSchema says why a name cannot be a schema's, nil where it can.
func checkSchema(name string) error {
	switch {
	case !plainSchema.MatchString(name):
		return errors.New("use lower-case letters, digits and _, starting with a letter or _, at most 63")
	case strings.HasPrefix(name, "pg_"):
		return errors.New("names that begin with pg_ are PostgreSQL's own: use another")
	case slices.Contains(reserved, name):
		return errors.New(name + " is a word of SQL, which every query would have to quote: use another")
	}
	return nil
}
