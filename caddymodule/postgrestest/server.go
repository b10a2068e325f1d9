// Package postgrestest runs a real PostgreSQL for tests: a cluster of its own in a temporary folder, on a unix socket,
// which can be killed and started again on the same data.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// Bin is an environment variable with the folder of initdb and postgres, for machines that have them elsewhere than in
// /usr/lib/postgresql or the PATH.
const Bin = "SMARTCAR_POSTGRES_BIN"

// User is the superuser of a cluster. It needs no password on the socket.
const User = "tester"

// Login is the name of a role that needs its password on the socket too. A test that wants one creates it.
const Login = "login"

// ErrMissing says that the machine has no PostgreSQL.
var ErrMissing = errors.New("no initdb and postgres in $" + Bin + ", in /usr/lib/postgresql/*/bin or in the PATH")

// startTimeout bounds one start, with the recovery after a kill.
const startTimeout = 60 * time.Second

// Server is a cluster. Its methods are not for concurrent use, but for DSN.
type Server struct {
	bin      string
	dir      string // holds the data, the socket and the log
	settings []string
	process  *exec.Cmd // nil while it is down
	made     atomic.Int64
}

// Quick are settings for tests that do not ask what outlives a power cut.
var Quick = []string{"fsync=off", "full_page_writes=off", "autovacuum=off", "wal_level=minimal", "max_wal_senders=0"}

// Start makes a cluster that ends with the test. settings are lines of postgresql.conf, such as "fsync=off".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := New(settings...)
	if errors.Is(err, ErrMissing) {
		Missing(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// New makes a cluster for who has no test at hand, as TestMain; it needs a Close. The error is ErrMissing where the
// machine has no PostgreSQL.
func New(settings ...string) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	// Sockets want short paths.
	dir, err := os.MkdirTemp("", "pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, settings: settings}
	if err := s.create(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Up(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// find returns the folder with the newest initdb.
func find() (string, error) {
	folders := []string{os.Getenv(Bin)}
	if folders[0] == "" {
		packaged, err := filepath.Glob("/usr/lib/postgresql/*/bin")
		if err != nil {
			return "", err
		}
		slices.SortFunc(packaged, func(a, b string) int { return version(b) - version(a) })
		folders = packaged
		if path, err := exec.LookPath("initdb"); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	for _, folder := range folders {
		if isProgram(filepath.Join(folder, "initdb")) && isProgram(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", ErrMissing
}

// version is 15 of /usr/lib/postgresql/15/bin.
func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// create makes the data. PostgreSQL refuses to run as root: then the folder belongs to somebody else, who runs it.
func (s *Server) create() error {
	if err := give(s.dir); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username", User, "--auth-local", "trust",
		"--auth-host", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
		"--no-instructions")
	cmd.Env = append(os.Environ(), "TZ=UTC") // else it compares each zone of the machine with its clock
	asAnother(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a cluster: %w\n%s", err, out)
	}
	return s.askForPasswords()
}

// askForPasswords puts a line for Login before those of initdb, for the first that fits counts.
func (s *Server) askForPasswords() error {
	path := filepath.Join(s.data(), "pg_hba.conf")
	rules, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte("local all "+Login+" scram-sha-256\n"), rules...), 0o600)
}

// Up starts the server and waits until it takes connections.
func (s *Server) Up() error {
	args := []string{"-D", s.data(), "-k", s.dir, "-c", "listen_addresses="}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
		cmd.Stdout, cmd.Stderr = log, log
		asAnother(cmd)
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("starting postgres: %w", err)
		}
		s.process = cmd
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		err := s.awaitReady(ctx, ended)
		if err == nil {
			return nil
		}
		s.Kill()
		<-ended
		// What a killed server shared with its children may be there a little longer.
		if ctx.Err() != nil {
			return fmt.Errorf("starting postgres: %w\n%s", err, s.Log())
		}
	}
}

func (s *Server) awaitReady(ctx context.Context, ended <-chan struct{}) error {
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// DSN is how to reach a database of the cluster.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s", s.dir, User, database)
}

// Dir is the folder of the unix socket.
func (s *Server) Dir() string { return s.dir }

// Database makes an empty database and returns its DSN.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.made.Add(1))
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "create database "+name); err != nil {
		t.Fatal(err)
	}
	return s.DSN(name)
}

// Log is what the server has logged.
func (s *Server) Log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text)
}

// Close kills the server and deletes the cluster.
func (s *Server) Close() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
}

// Missing skips a test for the lack of a PostgreSQL, or fails it where one is required.
func Missing(t testing.TB) {
	t.Helper()
	proof.Missing(t, "postgres", ErrMissing)
}
