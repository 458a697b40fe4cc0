package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func loadBackups(t *testing.T, text string) (*Policy, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "thorbis.yaml")
	testkit.WriteFile(t, file, "version: 1\nchannels: {deadman: none}\n"+text)
	return Load(file)
}

func TestBackupDefaults(t *testing.T) {
	p, err := loadBackups(t, `
services: [{name: db, owner: dba, page: P2}]
backups:
  - name: main
    app_service: db
    interval: 1d
    source: {program: pgbackrest, scope: main, file: info.json, secrets: {A: {file: secret}}}
    restore_test: {scratch: scratch, postgresql: {binaries: /bin, checks: [{name: a, query: select 1, min: 1}]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	b, ok := p.Backup("main")
	if !ok {
		t.Fatal("it is not there")
	}
	if b.Refresh.Std() != 10*time.Minute || b.Timeout.Std() != 5*time.Minute || b.MaxAge.Std() != 48*time.Hour {
		t.Errorf("%+v", b)
	}
	if owner, page := p.Ownership(b); owner != "dba" || page != "P2" {
		t.Errorf("%s %s", owner, page)
	}
	for _, file := range []string{b.Source.File, b.Source.Secrets["A"].File, b.RestoreTest.Scratch, b.Results} {
		if !filepath.IsAbs(file) {
			t.Errorf("%s is not resolved", file)
		}
	}
	if pg := b.RestoreTest.PostgreSQL; pg.Database != "postgres" || *pg.Checks[0].Min != 1 || pg.Checks[0].Max != nil {
		t.Errorf("%+v", pg)
	}
	if Estimate(p, 0).Series == 0 {
		t.Error("a backup costs nothing")
	}
}

func TestBackupErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{name: a, source: {program: restic}}`, "missing expectation"},
		{`{name: a, interval: 1d, source: {}}`, "missing program"},
		{`{name: a b, interval: 1d, source: {program: restic}}`, "invalid name"},
		{`{name: a, interval: 1d, page: P7, source: {program: restic}}`, "invalid priority"},
		{`{name: a, interval: 1d, app_service: x, source: {program: restic}}`, `unknown service "x"`},
		{`{name: a, interval: 1d, refresh: 1s, source: {program: restic}}`, "10s or more"},
		{`{name: a, interval: 1d, timeout: 1h, source: {program: restic}}`, "at most refresh"},
		{`{name: a, interval: 1d, source: {program: restic, file: a, command: [b]}}`, "either command"},
		{`{name: a, interval: 1d, source: {program: restic, secrets: {A: {}}}}`, "either file or env"},
		{`{name: a, interval: 1d, source: {program: restic, time_zone: Mars}}`, `invalid time zone "Mars"`},
		{
			`{name: a, interval: 1d, retention: {min_count: 3, max_count: 2}, source: {program: restic}}`,
			`retention.max_count: invalid number "2": write min_count or more, which is 3`,
		},
		{
			`{name: a, interval: 1d, retention: {min_age: 3d, max_age: 2d}, source: {program: restic}}`,
			`retention.max_age: invalid duration "2d": write min_age or more, which is 3d`,
		},
		{`{name: a, interval: 1d, per_tenant: {}, source: {program: restic}}`, "missing registry of tenants"},
		{`{name: a, interval: 1d, restore_test: {command: [x]}, source: {program: restic}}`, "missing scratch"},
		{
			`{name: a, interval: 1d, restore_test: {scratch: /s, postgresql: {}}, source: {program: restic}}`,
			"missing binaries",
		},
		{
			`{name: a, interval: 1d, source: {program: restic},
  restore_test: {scratch: /s, postgresql: {binaries: /b, data: ../x}}}`,
			"below the scratch",
		},
		{
			`{name: a, interval: 1d, source: {program: restic},
  restore_test: {scratch: /s, postgresql: {binaries: /b, checks: [{name: a, query: b}]}}}`,
			"missing expectation",
		},
		{
			`{name: a, interval: 1d, max_age: 5m, source: {program: restic}}`,
			`max_age: invalid duration "5m": write more than refresh, which is 10m`,
		},
		{
			`{name: a, interval: 1d, timeout: 1h, source: {program: restic}}`,
			`timeout: invalid duration "1h": write more than 0 and at most refresh, which is 10m`,
		},
		{
			`{name: a, interval: 1d, retention: {min_count: -1}, source: {program: restic}}`,
			`retention.min_count: invalid number "-1": write 0 or more`,
		},
		{
			`{name: a, interval: 1d, max_age: 12h, source: {program: restic, repository: /r}}`,
			`max_age: invalid duration "12h": write 1d or more, because restic records nothing between two backups`,
		},
		{
			`{name: a, interval: 1d, max_age: 15m, source: {program: barman, scope: main, file: /x}}`,
			"write 1d or more, because barman records nothing between two backups",
		},
		{`{name: a, interval: 1d, wal_disk: {host: db1}, source: {program: restic}}`, "host and mountpoint"},
		{
			`{name: a, interval: 1d, verify: {interval: 1m}, source: {program: restic}}`,
			`verify.interval: invalid duration "1m": write refresh or more, which is 10m`,
		},
		{
			`{name: a, interval: 1d, restore_test: {interval: 1m}, source: {program: restic}}`,
			`restore_test.interval: invalid duration "1m": write refresh or more, which is 10m`,
		},
	} {
		if _, err := loadBackups(t, "backups: ["+c.text+"]"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
	const one = "{name: a, interval: 1d, source: {program: x}}"
	_, err := loadBackups(t, "backups: ["+one+", "+one+"]")
	if err == nil || !strings.Contains(err.Error(), `duplicate name "a"`) {
		t.Errorf("twice: %v", err)
	}
}
