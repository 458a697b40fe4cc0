package tenants

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// startPostgres runs a server for one test, on a private socket, and returns its connection string.
func startPostgres(t *testing.T) (dsn string, stop func()) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a real PostgreSQL")
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		t.Skip("postgresql is not installed; make setup installs it")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("/tmp", "tr") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var as []string
	if os.Geteuid() == 0 { // which PostgreSQL refuses to run as
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("there is no user postgres")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		as = []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"}
	}
	run := func(args ...string) {
		t.Helper()
		args = append(slices.Clip(as), args...)
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	data := filepath.Join(dir, "data")
	run(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
	control := filepath.Join(bin, "pg_ctl")
	run(control, "-D", data, "-l", filepath.Join(dir, "log"), "-o", "-c listen_addresses='' -c fsync=off -k "+dir, "-w", "start")
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			args := append(slices.Clip(as), control, "-D", data, "-m", "immediate", "stop")
			_ = exec.Command(args[0], args[1:]...).Run()
		}
	}
	t.Cleanup(stop)
	return "host=" + dir + " user=postgres dbname=postgres password=hidden-password", stop
}

func TestRegistryInPostgres(t *testing.T) {
	dsn, stop := startPostgres(t)
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte(dsn+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := `select * from (values ('acme', 'enterprise', 'shop.acme.com'), ('beta', null, null), ('acme', 'enterprise', 'ACME.example.')) as t(name, tier, host)`
	s := &Source{DSNFile: file, Query: rows}
	changed, err := s.Refresh(t.Context())
	list, known := s.List()
	want := []Tenant{{Name: "acme", Tier: "enterprise", Hosts: []string{"shop.acme.com", "acme.example"}}, {Name: "beta"}}
	if err != nil || !changed || !known || !reflect.DeepEqual(list, want) {
		t.Fatalf("%+v, %v, %v", list, changed, err)
	}
	if changed, err := s.Refresh(t.Context()); changed || err != nil {
		t.Errorf("the same again: %v, %v", changed, err)
	}
	for query, wantErr := range map[string]string{
		"select": "0 columns", "selec": "syntax error", "select null": "a name is null",
		"select 'a', 'b', 'c', 'd'": "4 columns", "select '_other'": "is no name", "create table x()": "read-only",
	} {
		if _, err := Query(t.Context(), file, query); err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: %v, want %s", query, err, wantErr)
		}
	}
	// The database goes away: the last good list stays.
	stop()
	_, err = s.Refresh(t.Context())
	if err == nil || strings.Contains(err.Error(), "hidden-password") {
		t.Errorf("err = %v", err)
	}
	list, known = s.List()
	if _, _, errors := s.Status(); !known || len(list) != 2 || errors != 1 {
		t.Errorf("%+v, %d errors", list, errors)
	}
}

func TestRegistryFileIsFollowed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.yaml")
	s := &Source{File: file}
	if _, err := s.Refresh(t.Context()); err == nil {
		t.Fatal("no error")
	}
	s.Adopt([]Tenant{{Name: "old"}})
	if list, known := s.List(); !known || len(list) != 1 {
		t.Errorf("%v", list)
	}
	if err := os.WriteFile(file, []byte("tenants: [{name: acme, hosts: [a.com]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Fatalf("%v, %v", changed, err)
	}
	s.Adopt([]Tenant{{Name: "old"}})
	if list, _ := s.List(); len(list) != 1 || list[0].Name != "acme" {
		t.Errorf("%v", list)
	}
	if _, err := parse([]byte("tenants: [{name: a, hosts: [x.com]}, {name: b, hosts: [X.com.]}]")); err == nil || !strings.Contains(err.Error(), `belongs to "a"`) {
		t.Errorf("one host, two tenants: %v", err)
	}
}
