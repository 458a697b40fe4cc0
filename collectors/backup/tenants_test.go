package backup

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestCover(t *testing.T) {
	day := config.Duration(24 * time.Hour)
	b := &config.Backup{
		MaxAge: 7 * day, PerTenant: &config.BackupPerTenant{MaxAge: map[string]config.Duration{"enterprise": day}, Worst: 2},
	}
	registry := []tenants.Tenant{
		{Name: "acme", Tier: "enterprise"},
		{Name: "globex", Tier: "enterprise"},
		{Name: "initech", Tier: "standard"},
		{Name: "umbrella"},
	}
	ago := func(d time.Duration) program.TenantNewest {
		return program.TenantNewest{
			Stop: backuptest.Noon.Add(-d), Kind: metric.KindFull,
			Repository: program.DefaultRepository,
		}
	}
	c := coverOf(registry, map[string]program.TenantNewest{
		"acme": ago(23 * time.Hour), "globex": ago(25 * time.Hour), "initech": ago(6 * 24 * time.Hour), "gone": ago(0),
	}, b, backuptest.Noon)
	if c.tenants["enterprise"] != 2 || c.uncovered["enterprise"] != 1 || c.uncovered["standard"] != 0 ||
		c.uncovered[metric.TierNone] != 1 || c.unregistered != 1 {
		t.Errorf("%+v", c)
	}
	if len(c.worst) != 2 || c.worst[0].name != "umbrella" || c.worst[1].name != "globex" {
		t.Errorf("worst %+v", c.worst)
	}
}

// Ten thousand uncovered tenants are a count and twenty names.
func TestCoverIsBounded(t *testing.T) {
	b := &config.Backup{MaxAge: config.Duration(time.Hour), PerTenant: &config.BackupPerTenant{Worst: 20}}
	var registry []tenants.Tenant
	for i := range 10_000 {
		registry = append(registry, tenants.Tenant{Name: fmt.Sprintf("t%05d", i), Tier: "free"})
	}
	if c := coverOf(registry, nil, b, backuptest.Noon); c.uncovered["free"] != 10_000 || len(c.worst) != 20 {
		t.Errorf("%d uncovered, %d by name", c.uncovered["free"], len(c.worst))
	}
}

// From a listing to the exposed series: the count by tier, the worst by name, and nothing before a listing.
func TestTenantsAreExposed(t *testing.T) {
	p := testPolicy(t, `
tiers: {enterprise: {}}
tenants: {registry: {file: tenants.yaml}}
backups: [{name: each, interval: 1d, per_tenant: {max_age: {enterprise: 1d}}, `+
		`source: {program: directory, path: `+t.TempDir()+`, pattern: "{tenant}/*"}}]`)
	backuptest.Write(t, p.Tenants.Registry.File, []byte(
		"tenants: [{name: acme, tier: enterprise}, {name: initech, tier: enterprise}]"), backuptest.Noon)
	c := newCollector(t, nil, p)
	c.countTenants()
	if _, ok := value(t, c, metric.BackupTenantsUncovered, "each", "enterprise"); ok {
		t.Error("before a listing every tenant reads as uncovered")
	}
	backuptest.Write(t, p.Backups[0].Source.Path+"/acme/x", []byte("x"), time.Now())
	backuptest.Write(t, p.Backups[0].Source.Path+"/gone/x", []byte("x"), time.Now())
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	c.countTenants()
	for m, want := range map[*metric.Metric]float64{metric.BackupTenants: 2, metric.BackupTenantsUncovered: 1} {
		if v, ok := value(t, c, m, "each", "enterprise"); !ok || v != want {
			t.Errorf("%s is %v, want %v", m.Name, v, want)
		}
	}
	if v, ok := value(t, c, metric.BackupTenantsUnknown, "each"); !ok || v != 1 {
		t.Errorf("unregistered %v", v)
	}
	if v, ok := value(t, c, metric.BackupLastSuccess, "each", metric.KindFull, program.DefaultRepository,
		"initech"); !ok || v != 0 {
		t.Errorf("the worst tenant: %v, %v", v, ok)
	}
	if _, ok := value(t, c, metric.BackupLastSuccess, "each", metric.KindFull, program.DefaultRepository, "acme"); ok {
		t.Error("a covered tenant is exposed by name")
	}
}

// An unreadable repository makes no tenant uncovered: its content stays, as of the last successful read. Until the
// first successful read, the cover is unknown.
func TestUnreadableRepositoryHidesNoCover(t *testing.T) {
	listing := filepath.Join(t.TempDir(), "listing.json")
	p := testPolicy(t, `
tiers: {enterprise: {}}
tenants: {registry: {file: tenants.yaml}}
backups: [{name: each, interval: 1d, per_tenant: {max_age: {enterprise: 1h}}, `+
		`source: {program: json, file: `+listing+`}}]`)
	backuptest.Write(t, p.Tenants.Registry.File, []byte(
		"tenants: [{name: acme, tier: enterprise}, {name: initech, tier: enterprise}, {name: never, tier: enterprise}]"),
		backuptest.Noon)
	c := newCollector(t, nil, p)
	list := func(state string, at time.Time, backups string) error {
		t.Helper()
		backuptest.Write(t, listing, []byte(
			`{"version":1,"repositories":[{"name":"on"},{"name":"off","state":"`+
				state+`","problem":"x"}],"backups":[`+backups+`]}`), at)
		err := c.listNow(t)
		c.countTenants()
		return err
	}
	backup := func(tenant, repository string, at time.Time) string {
		return fmt.Sprintf(`{"id":%q,"kind":"full","repository":%q,"tenant":%q,"stop":%q}`, tenant, repository, tenant,
			at.UTC().Format(time.RFC3339))
	}
	now := time.Now().Add(-3 * time.Hour).Truncate(time.Second) // or two hours later were in the future
	on, off := backup("acme", "on", now.Add(-10*time.Minute)), backup("initech", "off", now.Add(-10*time.Minute))
	uncovered := func() (float64, bool) { return value(t, c, metric.BackupTenantsUncovered, "each", "enterprise") }

	if err := list("unreadable", now, on); err == nil {
		t.Fatal("an unreadable repository is no failure")
	}
	if v, ok := uncovered(); ok {
		t.Errorf("%v tenants are uncovered while one repository was never read", v)
	}
	if err := list("ok", now, on+","+off); err != nil {
		t.Fatal(err)
	}
	if v, ok := uncovered(); !ok || v != 1 {
		t.Errorf("%v tenants are uncovered, %v", v, ok)
	}
	// Two hours later, as of when both were seen.
	if err := list("unreadable", now.Add(2*time.Hour), backup("acme", "on", now.Add(110*time.Minute))); err == nil {
		t.Fatal("an unreadable repository is no failure")
	}
	if v, ok := uncovered(); !ok || v != 1 {
		t.Errorf("%v tenants are uncovered, %v", v, ok)
	}
	if err := list("ok", now.Add(2*time.Hour), backup("acme", "on", now.Add(110*time.Minute))+","+off); err != nil {
		t.Fatal(err)
	}
	if v, _ := uncovered(); v != 2 {
		t.Errorf("%v tenants are uncovered once both are read", v)
	}
}

// The registry of per-tenant backups may be a database, and a registry that cannot be read yet refuses no policy.
func TestTenantsOfADatabase(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(t, "postgres", "create table tenants(name text, tier text); "+
		"insert into tenants values ('acme', 'enterprise'), ('initech', 'enterprise')")
	dsn := filepath.Join(t.TempDir(), "dsn")
	backuptest.Write(t, dsn, []byte("host=/nowhere-at-all user=x"), backuptest.Noon)
	p := testPolicy(t, `
tiers: {enterprise: {}}
tenants: {registry: {refresh: 1s, postgres: {dsn_file: `+dsn+`, query: "select name, tier from tenants"}}}
backups: [{name: each, interval: 1d, per_tenant: {max_age: {enterprise: 1d}},
  source: {program: directory, path: `+t.TempDir()+`, pattern: "{tenant}/*"}}]`)
	backuptest.Write(t, p.Backups[0].Source.Path+"/acme/x", []byte("x"), time.Now())
	c := newCollector(t, nil, p)
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if err != nil && len(failed) < cap(failed) {
				failed <- err
			}
		})
	}()
	if err := <-failed; !strings.Contains(err.Error(), "the tenant registry cannot be read") {
		t.Errorf("err = %v", err)
	}
	if _, ok := value(t, c, metric.BackupTenants, "each", "enterprise"); ok {
		t.Error("tenants are counted before the registry was read")
	}
	backuptest.Write(t, dsn, []byte(server.DSN("postgres", "postgres")), backuptest.Noon)
	var registered, uncovered float64
	testkit.Eventually(t, func() bool {
		registered, _ = value(t, c, metric.BackupTenants, "each", "enterprise")
		uncovered, _ = value(t, c, metric.BackupTenantsUncovered, "each", "enterprise")
		return registered == 2 && uncovered == 1
	}, "two tenants, one without a backup: %v", testkit.Last(func() any { return []float64{registered, uncovered} }))
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
