// Package local runs PostgreSQL servers of this machine for tests and demonstrations: each in a directory of its own,
// on a Unix socket only, and never as root.
package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Installation is a PostgreSQL that is installed, and the user to run it as.
type Installation struct {
	programs   string              // the directory of initdb
	credential *syscall.Credential // nil for the own user
}

// Find returns the newest PostgreSQL. It returns an error that says what is missing: PostgreSQL, or a user who may run
// it, for root may not.
func Find() (*Installation, error) {
	i := &Installation{}
	if path, err := exec.LookPath("initdb"); err == nil {
		i.programs = filepath.Dir(path)
	} else if i.programs = debian(); i.programs == "" {
		return nil, errors.New("no PostgreSQL is installed; make setup installs it")
	}
	if os.Getuid() != 0 {
		return i, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	i.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return i, errors.Join(err, err2)
}

// debian returns where Debian keeps the programs of the newest version, which is not in the PATH.
func debian() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
}

// Directory makes a directory for a server, its data and its socket. The caller removes it.
func (i *Installation) Directory(name string) (string, error) {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return "", err
	}
	if i.credential != nil {
		if err := os.Chown(dir, int(i.credential.Uid), int(i.credential.Gid)); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

// Data is where the data of a server lies that has a directory.
func Data(dir string) string { return filepath.Join(dir, "data") }

// DSN is how to reach a database of the server that has a directory, as a user.
func DSN(dir, user, database string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s", dir, user, database)
}

// Init returns the program that makes the data of a new server, whose superuser is postgres.
func (i *Installation) Init(ctx context.Context, dir string, more ...string) *exec.Cmd {
	return i.Command(ctx, dir, "initdb", append([]string{
		"-D", Data(dir), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C",
	}, more...)...)
}

// Copy returns the program that makes the data of a replica, which follows the server that has another directory.
func (i *Installation) Copy(ctx context.Context, dir, from string) *exec.Cmd {
	return i.Command(ctx, dir, "pg_basebackup", "-D", Data(dir), "-R", "-X", "stream", "-c", "fast", "-h", from, "-U",
		"postgres")
}

// Server returns the server itself, with settings (name=value). SIGINT stops it.
func (i *Installation) Server(ctx context.Context, dir string, settings ...string) *exec.Cmd {
	args := []string{"-D", Data(dir), "-k", dir}
	for _, setting := range append([]string{
		"listen_addresses=", "fsync=off", "shared_buffers=16MB", "logging_collector=off",
	}, settings...) {
		args = append(args, "-c", setting)
	}
	return i.Command(ctx, dir, "postgres", args...)
}

// Command returns one of PostgreSQL's programs; it addresses the server that has a directory.
func (i *Installation) Command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	path := filepath.Join(i.programs, program)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		path = program
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGHOST=" + dir, "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: i.credential}
	return cmd
}
