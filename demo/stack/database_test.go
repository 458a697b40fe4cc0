package stack

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/postgres/local"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The replica of the demonstration's server follows it, and nothing is left of either.
func TestDatabaseHasAReplica(t *testing.T) {
	if testing.Short() {
		t.Skip("a real PostgreSQL server")
	}
	installation, err := local.Find()
	if err != nil {
		t.Skip(err)
	}
	d := &database{installation: installation}
	defer d.stop()
	if err := d.start(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	ask := func(ctx context.Context, server int, sql string) string {
		psql := installation.Command(ctx, d.dirs[server], "psql", "-XAtq", "-U", "postgres", "-c", sql)
		out, _ := psql.CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	if out := ask(t.Context(), 0, "CREATE TABLE numbers AS SELECT 7 AS n"); out != "" {
		t.Fatal(out)
	}
	follows := func() bool { return ask(t.Context(), 1, "SELECT n FROM numbers") == "7" }
	testkit.Eventually(t, follows, "the replica follows")

	d.stop()
	for i, dir := range d.dirs {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
		if d.processes[i].exited() == nil {
			t.Errorf("%s runs", d.processes[i].name)
		}
	}
}
