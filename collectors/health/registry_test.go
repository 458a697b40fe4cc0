package health

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/metric"
)

// tenantsOf returns the tenants that are probed, in order.
func tenantsOf(c *Collector) []string {
	var names []string
	for _, s := range c.Status() {
		names = append(names, s.Tenant)
	}
	return names
}

// Tenants come from a real PostgreSQL, which need not answer when the exporter starts.
func TestTenantsFromPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(
		t, "postgres",
		"create table tenants(name text, tier text); insert into tenants values ('acme', 'gold'), ('zoo', null)")
	files := t.TempDir()
	dsn := filepath.Join(files, "dsn")
	if err := os.WriteFile(dsn, []byte("host=/nowhere-at-all user=x"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	p := policy(
		t, quick+"    - {name: tenant, app_service: web, target: \""+srv.URL+
			"/{tenant}\", per_tenant: {interval: 1s, max_per_second: 100}}\n",
		"tiers: {gold: {page: P1, tenant_page: P2}}\ntenants: {registry: {refresh: 1s, postgres: {dsn_file: "+dsn+
			", query: \"select name, tier from tenants\"}}}\n")
	storage := t.TempDir()
	dir, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	c, stop := start(t, p, dir)
	if got := tenantsOf(c); len(got) != 0 {
		t.Fatalf("%v, before the registry was read", got)
	}
	if err := os.WriteFile(dsn, []byte(server.DSN("postgres", "postgres")), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both up", func() bool {
		s := c.Status()
		return len(s) == 2 && s[0].State == metric.StateUp && s[1].State == metric.StateUp && s[0].Page == "P2" &&
			s[1].Page == "P1"
	})
	server.Query(t, "postgres", "insert into tenants values ('new', 'gold')")
	eventually(t, "the new tenant", func() bool { return slices.Contains(tenantsOf(c), "new") })
	eventually(t, "a good list that is kept", func() bool {
		kept, err := tenants.Kept(dir, "tenant-registry")
		return err == nil && len(kept) == 3
	})
	stop()

	// The database does not answer at the next start: the last good list is probed.
	if err := os.WriteFile(dsn, []byte("host=/nowhere-at-all user=x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = state.Open(storage); err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c, stop = start(t, p, dir)
	defer stop()
	if got := tenantsOf(c); !slices.Equal(got, []string{"acme", "new", "zoo"}) {
		t.Errorf("%v", got)
	}
	eventually(t, "up again", func() bool { return c.Status()[1].State == metric.StateUp })
	if err := c.RefreshTenants(t.Context()); err == nil {
		t.Error("no error is reported while the registry cannot be read")
	}
}
