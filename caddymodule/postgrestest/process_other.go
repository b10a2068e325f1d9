//go:build !unix

package postgrestest

import "os/exec"

func give(string) error { return ErrMissing }

func asAnother(*exec.Cmd) {}

// Kill ends the server.
func (s *Server) Kill() {}

// Freeze stops the server.
func (s *Server) Freeze() {}

// Thaw lets it go on.
func (s *Server) Thaw() {}
