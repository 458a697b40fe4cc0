package verify

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Barman on a real server: a backup is seen and restored, a damaged file is found, a test killed half-way leaves
// nothing.
func TestBarmanForReal(t *testing.T) {
	needs(t, "barman")
	c := newCluster(t)
	name := "postgres"
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		name = u.Username
	}
	home := filepath.Join(c.dir, "barman")
	for _, dir := range []string{home, filepath.Join(home, "main"), filepath.Join(home, "main", "incoming")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		give(t, dir)
	}
	conf := filepath.Join(c.dir, "barman.conf")
	connect := fmt.Sprintf("host=%s port=%s user=postgres dbname=postgres", c.dir, c.port)
	text := fmt.Sprintf(`[barman]
barman_user = %s
barman_home = %s
barman_lock_directory = %s
log_file = %s/barman.log
[main]
description = main
conninfo = %s
streaming_conninfo = %s
backup_method = postgres
archiver = on
path_prefix = %s
`, name, home, home, c.dir, connect, connect, c.bin)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c.sql("alter system set archive_command = 'cp %p "+home+"/main/incoming/%f'", "select pg_reload_conf()")
	c.sql("create table orders as select generate_series(1,1000) i")
	barman := func(args ...string) string { return c.run("barman", append([]string{"-c", conf}, args...)...) }

	b := backuptest.Policy(t, config.BackupSource{
		Program: "barman", Scope: "main", Command: append(asPostgres(), "barman", "-c", conf),
		Environment: map[string]string{"HOME": c.dir},
	})
	if g := only(t, listReal(t, b), metric.KindFull); g.Retained != 0 {
		t.Errorf("an empty repository: %+v", g)
	}
	before := time.Now().Add(-time.Second).Truncate(time.Second)
	c.archived()
	barman("archive-wal", "main")
	barman("backup", "main")
	c.sql("insert into orders select generate_series(1,234) i") // only in the archive of logs
	c.archived()
	barman("archive-wal", "main")
	listing := listReal(t, b)
	if w := listing.Repositories[program.DefaultRepository].WAL; w == nil || w.NewestAt.Before(before) ||
		w.NewestAt.After(time.Now().Add(time.Minute)) || w.Timeline != 1 {
		t.Errorf("the archive: %+v", w)
	}
	g := only(t, listing, metric.KindFull)
	if g.Retained != 1 || g.Newest.Stop.Before(before) || g.Newest.Size < 10<<20 {
		t.Fatalf("%+v", g)
	}
	if r := verifyReal(t, b); !r.Success {
		t.Errorf("a good backup fails: %+v", r)
	}

	restore := newRestoring(t, c)
	source := fmt.Sprintf("{program: barman, scope: main, command: [barman, -c, %s], environment: {HOME: %s}}", conf,
		c.dir)
	restore.expect(source, 1234)
	if r := restore.result(); !r.Success || *r.Rows != 1234 || r.RestoreSeconds <= 0 {
		t.Errorf("a good backup: %+v", r)
	}
	restore.expect(source, 1235)
	if r := restore.result(); r.Success || r.Failed() != 1 {
		t.Errorf("a check that cannot hold passes: %+v", r)
	}
	restore.killed("PG_VERSION")

	segments, err := filepath.Glob(filepath.Join(home, "main", "wals", "*", "0000*"))
	if err != nil || len(segments) < 3 {
		t.Fatalf("%q, %v", segments, err)
	}
	for what, file := range map[string]string{"first": segments[0], "last": segments[len(segments)-1]} {
		away := filepath.Join(c.dir, "away")
		if err := os.Rename(file, away); err != nil {
			t.Fatal(err)
		}
		if r := verifyReal(t, b); r.Success || r.WALMissing == nil || *r.WALMissing != 1 {
			t.Errorf("the %s segment is gone: %+v", what, r)
		}
		if err := os.Rename(away, file); err != nil {
			t.Fatal(err)
		}
	}
	if r := verifyReal(t, b); !r.Success || r.WALMissing == nil || *r.WALMissing != 0 {
		t.Errorf("all segments are there again: %+v", r)
	}

	damage(t, largest(t, filepath.Join(home, "main", "base"), "1255"))
	if r := verifyReal(t, b); r.Success {
		t.Error("a damaged backup passes")
	}
}
