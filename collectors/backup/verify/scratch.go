package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// scratch is a directory for one restore test. It is deleted when the test ends; when the test is killed, by a
// guard that outlives it; when both are, by the next test.
type scratch struct {
	path  string
	lock  *os.File
	guard *exec.Cmd
	alive io.WriteCloser // closed by this process or by its death; the guard then deletes the directory
}

const lockName = ".thorbis-lock"

// newScratch makes a directory below parent and deletes what earlier tests of the backup left there. guard is
// the command line of a program that runs Guard on the directory appended to it; empty for none.
func newScratch(parent, backup string, guard []string) (*scratch, error) {
	prefix := "thorbis-restore-" + backup + "-"
	sweep(parent, prefix)
	path, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	s := &scratch{path: path}
	if s.lock, err = os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	if err := syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("scratch: %w", err), s.remove())
	}
	if len(guard) == 0 {
		return s, nil
	}
	s.guard = exec.Command(guard[0], append(guard[1:len(guard):len(guard)], path)...)
	// A session of its own: what ends ours must not end it.
	s.guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.alive, err = s.guard.StdinPipe(); err == nil {
		err = s.guard.Start()
	}
	if err != nil {
		s.guard = nil
		return nil, errors.Join(fmt.Errorf("guard of the scratch directory: %w", err), s.remove())
	}
	return s, nil
}

// remove deletes the directory and all in it.
func (s *scratch) remove() error {
	err := removeAll(s.path)
	_ = s.lock.Close()
	if s.guard != nil {
		_ = s.alive.Close()
		_ = s.guard.Wait()
	}
	if err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	return nil
}

// sweep deletes directories of earlier tests that no process has locked.
func sweep(parent, prefix string) {
	left, _ := filepath.Glob(filepath.Join(parent, prefix+"*"))
	for _, path := range left {
		f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			_ = removeAll(path)
			continue
		}
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = removeAll(path)
		}
		_ = f.Close()
	}
}

// removeAll deletes a directory that a dying server may still write into.
func removeAll(path string) error {
	var err error
	for range 50 {
		if err = os.RemoveAll(path); err == nil {
			return nil
		}
		// PostgreSQL's directories may have been restored without the right to write.
		_ = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				_ = os.Chmod(p, 0o700)
			}
			return nil
		})
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// Guard waits until its input ends, which is when the test that started it has ended or died, and deletes the
// directory. Nothing but a scratch directory is ever deleted.
func Guard(ctx context.Context, path string, input io.Reader) error {
	base := filepath.Base(path)
	if ok, _ := filepath.Match("thorbis-restore-*-*", base); !ok || !filepath.IsAbs(path) {
		return fmt.Errorf("invalid scratch directory %s", path)
	}
	ended := collectors.Async(func() error {
		_, _ = io.Copy(io.Discard, input)
		return nil
	})
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = <-ended // whoever wants us to end must end the test
	}
	if err != nil {
		return err
	}
	// The kernel has killed the server with the test; what its own children still write is deleted too.
	for range 20 {
		if err := removeAll(path); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("%s keeps coming back", path)
}
