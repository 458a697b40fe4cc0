package tenants

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestRegistryFileIsFollowed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.yaml")
	s := &Reader{File: file}
	if _, err := s.Refresh(t.Context()); err == nil {
		t.Fatal("no error")
	}
	s.Restore([]Tenant{{Name: "old"}})
	if list, known := s.List(); !known || len(list) != 1 {
		t.Errorf("%v", list)
	}
	testkit.WriteFile(t, file, "tenants: [{name: acme, hosts: [a.com]}]")
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Fatalf("%v, %v", changed, err)
	}
	s.Restore([]Tenant{{Name: "old"}})
	if list, _ := s.List(); len(list) != 1 || list[0].Name != "acme" {
		t.Errorf("%v", list)
	}
	version := s.Version()
	if _, err := s.Refresh(t.Context()); err != nil || s.Version() != version {
		t.Errorf("nothing new is a new version: %v", err)
	}
	// Half of a file that is being written is not believed, unless it stays so.
	modified := time.Now()
	write := func(text string) {
		t.Helper()
		err := os.WriteFile(file, []byte(text), 0o600)
		modified = modified.Add(time.Second) // a file system may count time in steps
		if err == nil {
			err = os.Chtimes(file, modified, modified)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Patience = time.Hour
	write("tenants: [{name: a}, {name: b}, {name: c}, {name: d}]")
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Fatalf("%v, %v", changed, err)
	}
	write("tenants:\n- {name: a}\n")
	_, _, before := s.Status()
	for range 2 {
		changed, err := s.Refresh(t.Context())
		list, _ := s.List()
		if _, _, failures := s.Status(); changed || !errors.Is(err, ErrShrunk) || len(list) != 4 || failures != before {
			t.Errorf("%v, %v, %d tenants", changed, err, len(list))
		}
	}
	s.Patience = 0
	if changed, err := s.Refresh(t.Context()); !changed || err != nil || s.Version() == version {
		t.Errorf("what stays is believed: %v, %v", changed, err)
	}
	s.Patience = time.Hour
	write("tenants: []")
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Errorf("the last of one: %v, %v", changed, err)
	}
	if _, err := parse([]byte("tenants: [{name: a, hosts: [x.com]}, {name: b, hosts: [X.com.]}]")); err == nil ||
		!strings.Contains(err.Error(), `belongs to "a"`) {
		t.Errorf("one host, two tenants: %v", err)
	}
}

func TestSourceOfTheSameRegistryStays(t *testing.T) {
	if s := readerOf(&config.Registry{}, nil); s != nil {
		t.Errorf("no registry: %+v", s)
	}
	file := &config.Registry{File: "a", Refresh: config.Duration(time.Minute)}
	old := readerOf(file, nil)
	if old.Patience != 2*time.Minute || readerOf(file, old) != old {
		t.Errorf("the same: %+v", old)
	}
	for _, other := range []*config.Registry{
		{File: "b", Refresh: file.Refresh},
		{File: "a", Refresh: 2 * file.Refresh},
		{Postgres: &config.RegistryPostgres{DSNFile: "a", Query: "q"}, Refresh: file.Refresh},
	} {
		if s := readerOf(other, old); s == nil || s == old {
			t.Errorf("%+v: %+v", other, s)
		}
	}
}
