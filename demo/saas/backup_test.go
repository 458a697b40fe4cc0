package saas

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestBackups(t *testing.T) {
	p, err := Start(Config{Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Tenants: []string{"acme", "globex"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	dir := t.TempDir()
	for range keptBackups + 2 {
		if err := p.Backup(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, tenant := range []string{"acme", "globex"} {
		archives, _ := filepath.Glob(filepath.Join(dir, tenant, "*.tar.gz"))
		all, _ := filepath.Glob(filepath.Join(dir, tenant, "*"))
		if len(archives) != keptBackups || len(all) != 2*keptBackups {
			t.Errorf("%s: %d archives of %d files, want %d of %d", tenant, len(archives), len(all), keptBackups, 2*keptBackups)
		}
		sums := exec.Command("sha256sum", "--check", filepath.Base(archives[0])+".sha256")
		sums.Dir = filepath.Join(dir, tenant)
		if out, err := sums.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		into := t.TempDir()
		if out, err := exec.Command("tar", "-xzf", archives[0], "-C", into).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if _, err := os.Stat(filepath.Join(into, "orders.csv")); err != nil {
			t.Error(err)
		}
	}
}

func TestDamagedBackupFailsItsChecksum(t *testing.T) {
	p := start(t)
	dir := t.TempDir()
	if err := p.BreakTenant("acme", Damage); err != nil {
		t.Fatal(err)
	}
	if err := p.Backup(dir); err != nil {
		t.Fatal(err)
	}
	for tenant, whole := range map[string]bool{"acme": false, "globex": true} {
		sums, _ := filepath.Glob(filepath.Join(dir, tenant, "*.sha256"))
		if len(sums) != 1 {
			t.Fatalf("%s has checksums %v", tenant, sums)
		}
		cmd := exec.Command("sha256sum", "--check", filepath.Base(sums[0]))
		cmd.Dir = filepath.Join(dir, tenant)
		if out, err := cmd.CombinedOutput(); (err == nil) != whole {
			t.Errorf("%s: %v\n%s", tenant, err, out)
		}
	}
}
