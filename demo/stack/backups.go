package stack

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// backupDir is where the platform leaves backups of its tenants.
const backupDir = "backups"

const (
	backupInterval = time.Minute
	// testInterval is short, because the demonstration waits for it.
	testInterval = 5 * time.Minute
)

// runBackups has the platform make backups, and verifies and restores them, as systemd timers do elsewhere. When
// backups begin or cease to be damaged it does so at once. A restore, which takes minutes where there are many tenants,
// holds up no backup.
func (s *Stack) runBackups(ctx context.Context) error {
	tick := time.NewTicker(backupInterval)
	defer tick.Stop()
	restores := make(chan struct{}, 1) // one to begin when the last has ended
	var running sync.WaitGroup
	defer running.Wait()
	defer close(restores)
	running.Go(func() {
		for range restores {
			s.testBackups(ctx, "restore-test")
		}
	})
	test := func() {
		s.testBackups(ctx, "verify")
		select {
		case restores <- struct{}{}:
		default:
		}
	}
	test()
	tested, damaged := time.Now(), false
	for {
		changed := s.SaaS.Changed()
		if now := s.SaaS.Damages(); now == damaged {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
				continue
			case <-tick.C:
			}
		}
		if err := s.SaaS.Backup(filepath.Join(s.Dir, backupDir)); err != nil {
			return err
		}
		if now := s.SaaS.Damages(); now != damaged || time.Since(tested) >= testInterval {
			test()
			tested, damaged = time.Now(), now
		}
	}
}

// testBackups verifies the backups or restores them. A failed test is in its result, which the exporter reads.
func (s *Stack) testBackups(ctx context.Context, test string) {
	cmd := exec.CommandContext(ctx, s.program("thorbis_exporter"), "--config.file="+filepath.Join(s.Dir, "thorbis.yaml"),
		"backup", test)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
		s.note("backup %s failed: %s", test, lastLine(out))
	}
}

// lastLine returns the end of a program's output.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
