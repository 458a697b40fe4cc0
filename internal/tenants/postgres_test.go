package tenants

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestRegistryInPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	file := filepath.Join(t.TempDir(), "dsn")
	testkit.WriteFile(t, file, server.DSN("postgres", "postgres")+" password=hidden-password\n")
	rows := `select * from (values ('acme', 'enterprise', 'shop.acme.com'), ('beta', null, null), ('acme', ` +
		`'enterprise', ` +
		`'ACME.example.')) as t(name, tier, host)`
	s := &Reader{DSNFile: file, Query: rows}
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
		"select 'a', 'b', 'c', 'd'": "4 columns", "select '_other'": "invalid name", "create table x()": "read-only",
	} {
		if _, err := Query(t.Context(), file, query); err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: %v, want %s", query, err, wantErr)
		}
	}
	keeps := func(failures uint64, message string) {
		t.Helper()
		changed, err := s.Refresh(t.Context())
		if changed || err == nil || !strings.Contains(err.Error(), message) ||
			strings.Contains(err.Error(), "hidden-password") {
			t.Errorf("changed %v, err = %v", changed, err)
		}
		list, known := s.List()
		if _, _, errors := s.Status(); !known || !reflect.DeepEqual(list, want) || errors != failures {
			t.Errorf("%+v, %d errors", list, errors)
		}
	}
	// A row policy that hides every row from the role that asks, as on Supabase: the last good list stays.
	server.Query(t, "postgres", `create table customers(name text); insert into customers values ('acme');
		alter table customers enable row level security; create role reader login; grant select on customers to reader`)
	testkit.WriteFile(t, file, server.DSN("reader", "postgres")+" password=hidden-password\n")
	s.Query = "select name from customers"
	keeps(1, "returned no tenant")
	// The database goes away, and comes back.
	server.Stop()
	keeps(2, "cannot be read")
	server.Restart(t)
	server.Query(t, "postgres", "create policy all_rows on customers for select to reader using (true)")
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Errorf("back again: %v, %v", changed, err)
	}
}
