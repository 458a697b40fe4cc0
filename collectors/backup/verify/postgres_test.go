package verify

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// cluster is a PostgreSQL server that lives for one test, on a private socket.
type cluster struct {
	t    *testing.T
	bin  string
	dir  string // everything of it lies below
	port string
}

// needs skips a test whose programs are not installed, and says which.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real programs")
	}
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed; make setup installs it", name)
		}
	}
}

// postgresBin returns the directory of the newest PostgreSQL.
func postgresBin(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a real PostgreSQL server")
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		t.Skip("postgresql is not installed; make setup installs it")
	}
	return filepath.Dir(found[len(found)-1])
}

// asPostgres begins a command line that is not run as root, which PostgreSQL refuses.
func asPostgres() []string {
	if os.Geteuid() != 0 {
		return nil
	}
	return []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"}
}

// privateDir is a directory of the user that PostgreSQL runs as, with a name short enough for sockets.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	give(t, dir)
	return dir
}

// give makes a file or directory the property of the user that PostgreSQL runs as.
func give(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("there is no user postgres")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
}

func newCluster(t *testing.T, settings ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, bin: postgresBin(t), dir: privateDir(t)}
	// Only the name of the socket; nothing listens on the port.
	_, c.port, _ = net.SplitHostPort(testkit.FreeAddress(t))
	c.run(filepath.Join(c.bin, "initdb"), "-D", c.data(), "-A", "trust", "-U", "postgres", "--no-sync")
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(
		f, "\nunix_socket_directories = '%s'\nlisten_addresses = ''\nport = %s\nfsync = off\nwal_level = replica\n"+
			"archive_mode = on\nmax_wal_senders = 4\n%s\n",
		c.dir, c.port, strings.Join(settings, "\n"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	c.run(filepath.Join(c.bin, "pg_ctl"), "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-w", "start")
	t.Cleanup(func() {
		_ = c.command(filepath.Join(c.bin, "pg_ctl"), "-D", c.data(), "-m", "immediate", "stop").Run()
	})
	return c
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// command runs as the user of PostgreSQL.
func (c *cluster) command(name string, args ...string) *exec.Cmd {
	full := append(asPostgres(), append([]string{name}, args...)...)
	cmd := exec.Command(full[0], full[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "HOME="+c.dir, "TZ=UTC")
	return cmd
}

func (c *cluster) run(name string, args ...string) string {
	c.t.Helper()
	out, err := c.command(name, args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (c *cluster) sql(statements ...string) string {
	c.t.Helper()
	var args []string
	for _, s := range statements {
		args = append(args, "-c", s)
	}
	return strings.TrimSpace(c.run(filepath.Join(c.bin, "psql"), append([]string{
		"-X", "-A", "-t", "-q", "-h", c.dir,
		"-p", c.port, "-U", "postgres", "postgres",
	}, args...)...))
}

// archived waits until everything written so far is in the archive.
func (c *cluster) archived() {
	c.t.Helper()
	want := c.sql("select pg_walfile_name(pg_switch_wal())")
	var got string
	testkit.Eventually(c.t, func() bool {
		got = c.sql("select coalesce(last_archived_wal, '') from pg_stat_archiver")
		return got >= want
	}, "%s is archived: the last one is %s", want, testkit.Last(func() any { return got }))
}
