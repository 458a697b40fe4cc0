package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

// A long program is reported as still running at intervals; reports end once it is done.
func TestWorkingReportsThatItStillRuns(t *testing.T) {
	said := make(chan string, 1000)
	say, done := working(func(format string, args ...any) { said <- fmt.Sprintf(format, args...) }, time.Millisecond)
	for deadline := time.After(time.Minute); ; {
		select {
		case text := <-said:
			if strings.HasPrefix(text, "still running after ") {
				done()
				say("last")
				for text != "last" {
					text = <-said
				}
				select {
				case text := <-said:
					t.Errorf("it goes on: %s", text)
				default:
				}
				return
			}
		case <-deadline:
			t.Fatal("nothing is said")
		}
	}
}

// A verification that its own timeout cuts short has found nothing of the backup: it leaves no verdict. What it found before
// is one.
func TestVerificationCutShortLeavesNoVerdict(t *testing.T) {
	healthy := `[{"name":"main","status":{"code":0,"message":"ok"},"repo":[{"key":1,"status":{"code":0,"message":"ok"}}],"archive":[],"backup":[%s]}]`
	damaged := fmt.Sprintf(healthy, `{"label":"20260920-020000F","type":"full","error":true,"database":{"id":1,"repo-key":1},"timestamp":{"start":1789869600,"stop":1789869700}}`)
	directory := realPolicy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: "*.dump"})
	write(t, filepath.Join(directory.Source.Path, "a.dump"), []byte("data"), time.Now())
	for name, b := range map[string]*config.Backup{
		"restic":     speaking(t, config.BackupSource{Program: "restic", Repository: "/r"}, "sleep 600"),
		"borg":       speaking(t, config.BackupSource{Program: "borg", Repository: "/r"}, "sleep 600"),
		"kopia":      speaking(t, config.BackupSource{Program: "kopia"}, "sleep 600"),
		"wal-g":      speaking(t, config.BackupSource{Program: "wal-g"}, "sleep 600"),
		"barman":     speaking(t, config.BackupSource{Program: "barman", Scope: "main"}, "sleep 600"),
		"pgbackrest": speaking(t, config.BackupSource{Program: "pgbackrest", Scope: "main"}, `case "$*" in *verify*) sleep 600;; *) echo '`+fmt.Sprintf(healthy, "")+`';; esac`),
		"directory":  directory,
	} {
		t.Run(name, func(t *testing.T) {
			b.Verify.Timeout = config.Duration(2 * time.Second)
			if name == "directory" {
				b.Verify.Timeout = 1
			}
			r, err := Verify(t.Context(), b, t.Logf)
			if err == nil || !strings.Contains(err.Error(), "raise verify.timeout") {
				t.Fatalf("%+v, %v", r, err)
			}
			if left, _ := os.ReadDir(b.Results); len(left) > 0 {
				t.Errorf("a verdict without a look: %v", left)
			}
		})
	}
	v := &verification{say: t.Logf}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	v.limit = ended
	v.check("page checksums", errors.New("invalid pages"))
	v.check("checksums", context.DeadlineExceeded)
	if v.failedChecks() != 1 || len(v.Checks) != 1 || v.broken == nil {
		t.Errorf("%+v, %v", v.Checks, v.broken)
	}

	// What was found before the time was up is a finding.
	b := speaking(t, config.BackupSource{Program: "pgbackrest", Scope: "main"}, `case "$*" in *--repo=2*) sleep 600;; *verify*) echo 'ERROR: invalid checksum';; *) echo '`+
		strings.Replace(damaged, `"repo":[`, `"repo":[{"key":2,"status":{"code":0,"message":"ok"}},`, 1)+`';; esac`)
	b.Verify.Timeout = config.Duration(20 * time.Second)
	if testing.Short() {
		return
	}
	r, err := Verify(t.Context(), b, t.Logf)
	if err != nil || r.Success || r.failedChecks() == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, c := range r.Checks {
		if strings.Contains(c.Name, "repository 2") {
			t.Errorf("a verdict without a look: %+v", c)
		}
	}
}
