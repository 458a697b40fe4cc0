package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
)

// A role without any right reads which roles there are, with what they can do by themselves and as members.
func TestRoles(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(t, "postgres", `CREATE ROLE reader LOGIN; CREATE ROLE app LOGIN VALID UNTIL '2030-01-02 03:04:05+00';
		CREATE ROLE forever LOGIN VALID UNTIL 'infinity'; CREATE ROLE staff; CREATE ROLE chief BYPASSRLS;
		GRANT chief TO staff; CREATE ROLE ada LOGIN; GRANT staff TO ada; CREATE ROLE maker CREATEROLE;
		CREATE ROLE copier LOGIN REPLICATION; CREATE ROLE exporter LOGIN; GRANT pg_read_all_data TO exporter;
		CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor; CREATE ROLE root LOGIN SUPERUSER`)
	c, err := connect(t, server.DSN("reader", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Roles(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Role{}
	for _, r := range all {
		found[r.Name] = r
	}
	for _, want := range []Role{
		{Name: "reader", Login: true},
		{Name: "app", Login: true, Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)},
		{Name: "forever", Login: true},
		{Name: "staff", Privileged: true},
		{Name: "chief", BypassRLS: true, Privileged: true},
		{Name: "ada", Login: true, Privileged: true},
		{Name: "maker", CreateRole: true, Privileged: true},
		{Name: "copier", Login: true, Replication: true, Privileged: true},
		{Name: "exporter", Login: true, Privileged: true},
		{Name: "monitor", Login: true},
		{Name: "root", Login: true, Superuser: true, Privileged: true},
	} {
		got := found[want.Name]
		if !got.Expires.Equal(want.Expires) {
			t.Errorf("%s expires %s, want %s", want.Name, got.Expires, want.Expires)
		}
		if got.Expires = want.Expires; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if len(found) != 12 { // those and the one that made the cluster
		t.Errorf("%d roles: %v", len(found), found)
	}
	var failure *QueryError
	if _, err := c.Roles(t.Context(), 5); !errors.As(err, &failure) || failure.Fault != FaultTooManyRows {
		t.Errorf("more roles than are read: %v", err)
	}
}
