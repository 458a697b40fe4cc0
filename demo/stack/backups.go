package stack

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// backupDir is where the platform leaves backups of its tenants.
const backupDir = "backups"

// testInterval is short, because the demonstration waits for it.
const testInterval = 5 * time.Minute

// testBackups does what systemd timers do elsewhere: it verifies the backups and restores them, now and then.
func (s *Stack) testBackups(ctx context.Context) error {
	tick := time.NewTicker(testInterval)
	defer tick.Stop()
	for {
		for _, test := range []string{"verify", "restore-test"} {
			cmd := exec.CommandContext(ctx, s.program("thorbis_exporter"), "--config.file="+filepath.Join(s.Dir, "thorbis.yaml"),
				"backup", test)
			cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
			cmd.WaitDelay = stopTime
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("backup %s: %w\n%s", test, err, out)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
