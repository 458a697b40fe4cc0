package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// pgBackRestCluster is a server with a stanza.
type pgBackRestCluster struct {
	*cluster
	policy *config.Backup
}

func newPgBackRest(t *testing.T) *pgBackRestCluster {
	t.Helper()
	needs(t, "pgbackrest")
	c := &pgBackRestCluster{}
	c.cluster = newCluster(t)
	conf := filepath.Join(c.dir, "pgbackrest.conf")
	text := fmt.Sprintf(`[global]
repo1-path=%[1]s/repo
repo1-retention-full=9
log-path=%[1]s/pgblog
lock-path=%[1]s/lock
log-level-console=debug
spool-path=%[1]s/spool
start-fast=y
[main]
pg1-path=%[1]s/data
pg1-port=%[2]s
pg1-socket-path=%[1]s
pg1-user=postgres
`, c.dir, c.port)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c.sql(`alter system set archive_command = 'pgbackrest --config=`+conf+` --stanza=main archive-push %p'`,
		"select pg_reload_conf()")
	c.pgbackrest("stanza-create")
	c.policy = &config.Backup{
		Name: "main", Timeout: config.Duration(time.Minute), Interval: config.Duration(24 * time.Hour),
		Results: t.TempDir(), Verify: config.BackupVerify{Timeout: config.Duration(time.Minute)},
		Source: config.BackupSource{
			Program: "pgbackrest", Scope: "main",
			Command: append(asPostgres(), "pgbackrest", "--config="+conf),
		},
	}
	return c
}

func (c *pgBackRestCluster) pgbackrest(args ...string) string {
	c.t.Helper()
	return c.run("pgbackrest", append([]string{"--config=" + filepath.Join(c.dir, "pgbackrest.conf"), "--stanza=main"},
		args...)...)
}

func (c *pgBackRestCluster) list() *program.Listing {
	c.t.Helper()
	return listReal(c.t, c.policy)
}

func (c *pgBackRestCluster) verify() *result.Result {
	c.t.Helper()
	r, err := Backup(c.t.Context(), c.policy, c.t.Logf)
	if err != nil {
		c.t.Fatal(err)
	}
	onDisk, err := result.Read(c.t.Context(), result.File(c.policy.Results, "main", metric.TestVerify), "main",
		metric.TestVerify)
	if err != nil || onDisk == nil || onDisk.Success != r.Success {
		c.t.Fatalf("the result file says %+v, %v", onDisk, err)
	}
	return r
}

// The real program from the first backup to a lost segment: what it makes is seen, what is broken is found.
func TestPgBackRestForReal(t *testing.T) {
	c := newPgBackRest(t)

	s := c.list()
	if r := s.Repositories["1"]; r == nil || r.State != metric.RepositoryEmpty {
		t.Fatalf("a new repository is %+v", r)
	}
	if g := s.Groups[program.GroupKey{Repository: "1", Kind: metric.KindFull}]; g == nil || g.Retained != 0 {
		t.Errorf("an empty repository has no group: %+v", g)
	}

	before := time.Now().Add(-time.Second).Truncate(time.Second)
	c.pgbackrest("backup", "--type=full")
	c.sql("create table t as select generate_series(1,1000) i")
	c.archived()
	c.pgbackrest("backup", "--type=incr")
	c.sql("insert into t values (1)")
	c.archived()

	s = c.list()
	full, incremental := s.Groups[program.GroupKey{Repository: "1", Kind: metric.KindFull}],
		s.Groups[program.GroupKey{Repository: "1", Kind: metric.KindIncremental}]
	if full == nil || full.Retained != 1 || full.Newest.Stop.Before(before) || full.Newest.Size < 10<<20 ||
		full.Newest.Added <= 0 || full.Newest.Position == 0 {
		t.Errorf("full: %+v", full)
	}
	if incremental == nil || incremental.Retained != 1 || incremental.Newest.Copied >= full.Newest.Copied {
		t.Errorf("incremental: %+v", incremental)
	}
	r := s.Repositories["1"]
	if r.State != metric.RepositoryOK || r.WAL == nil || r.WAL.NewestAt.Before(before) || r.WAL.Missing != 0 ||
		r.WAL.Newest <= full.Newest.Position {
		t.Errorf("repository: %+v, archive: %+v", r, r.WAL)
	}
	if got := c.verify(); !got.Success {
		t.Fatalf("a good repository fails: %+v", got)
	} else if got.ReadBytes == nil || *got.ReadBytes <= full.Newest.Added+incremental.Newest.Added {
		t.Errorf("it says that it read %v bytes, of backups of %d and %d and their logs", got.ReadBytes, full.Newest.Added,
			incremental.Newest.Added)
	}

	// A flipped byte: pgBackRest 2.45 notices and still exits with 0.
	victim := largest(t, filepath.Join(c.dir, "repo", "backup", "main"), ".gz")
	whole, err := os.ReadFile(victim)
	if err != nil {
		t.Fatal(err)
	}
	broken := append([]byte(nil), whole...)
	broken[len(broken)/2] ^= 0xff
	if err := os.WriteFile(victim, broken, 0o640); err != nil {
		t.Fatal(err)
	}
	if got := c.verify(); got.Success || got.Failed() == 0 {
		t.Errorf("a corrupt repository passes: %+v", got)
	}
	if err := os.WriteFile(victim, whole, 0o640); err != nil {
		t.Fatal(err)
	}

	// A lost segment in the middle: neither info nor verify of pgBackRest 2.45 says a word.
	segments, err := filepath.Glob(filepath.Join(c.dir, "repo/archive/main/*/0000000100000000/*-*.gz"))
	if err != nil || len(segments) < 4 {
		t.Fatalf("segments: %v, %v", segments, err)
	}
	if err := os.Remove(segments[len(segments)-2]); err != nil {
		t.Fatal(err)
	}
	if r := c.list().Repositories["1"]; r.WAL.Missing != 1 {
		t.Errorf("the listing misses %d segments, want 1", r.WAL.Missing)
	}
	if got := c.verify(); got.Success || got.WALMissing == nil || *got.WALMissing != 1 {
		t.Errorf("an archive with a gap passes: %+v", got)
	}
}

// repo-retention-archive keeps of older backups only the logs without which they are not whole: no gap but a meant one.
// A segment that is lost within what is kept is one.
func TestPgBackRestRetentionOfLogsIsNoGap(t *testing.T) {
	c := newPgBackRest(t)
	c.pgbackrest("backup", "--type=full")
	for range 3 {
		c.sql("create table if not exists t (i int)", "insert into t values (1)")
		c.archived()
	}
	c.pgbackrest("backup", "--type=full")
	c.sql("insert into t values (1)")
	c.archived()
	segments := func() []string {
		found, err := filepath.Glob(filepath.Join(c.dir, "repo/archive/main/*/0000000100000000/*-*.gz"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := segments()
	c.pgbackrest("expire", "--repo1-retention-archive=1", "--repo1-retention-full=9")
	after := segments()
	if len(after) > len(before)-2 {
		t.Fatalf("pgBackRest kept %q of %q", after, before)
	}
	if r := c.list().Repositories["1"]; r.WAL.Missing != 0 {
		t.Errorf("the listing misses %d segments", r.WAL.Missing)
	}
	if got := c.verify(); !got.Success {
		t.Errorf("a good repository fails: %+v", got)
	}
	if err := os.Remove(after[len(after)-2]); err != nil {
		t.Fatal(err)
	}
	if got := c.verify(); got.Success || *got.WALMissing != 1 {
		t.Errorf("a gap passes: %+v", got)
	}
}

// largest returns the largest file below a directory with an ending.
func largest(t *testing.T, dir, ending string) string {
	t.Helper()
	var name string
	var size int64
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && strings.HasSuffix(path, ending) && info.Size() > size {
			name, size = path, info.Size()
		}
		return err
	})
	if err != nil || name == "" {
		t.Fatalf("no file in %s: %v", dir, err)
	}
	return name
}
