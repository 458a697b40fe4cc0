package tenants

import (
	"context"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The record has who joined, left and changed tier, and forgets what ended long ago.
func TestMembershipsChange(t *testing.T) {
	at := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	list := changed(nil, []Tenant{{Name: "acme", Tier: "standard"}, {Name: "zoo"}}, at)
	want := []Membership{{Tenant: "acme", Tier: "standard"}, {Tenant: "zoo"}}
	if !reflect.DeepEqual(list, want) {
		t.Fatalf("at first %+v", list)
	}
	joined := at.Add(24 * time.Hour)
	list = changed(list, []Tenant{{Name: "acme", Tier: "enterprise"}, {Name: "new", Tier: "free"}}, joined)
	want = []Membership{
		{Tenant: "acme", Tier: "standard", To: joined},
		{Tenant: "acme", Tier: "enterprise", From: joined},
		{Tenant: "new", Tier: "free", From: joined},
		{Tenant: "zoo", To: joined},
	}
	if !reflect.DeepEqual(list, want) {
		t.Fatalf("later %+v", list)
	}
	got := members(list, joined.Add(time.Hour), joined.Add(2*time.Hour))
	if !reflect.DeepEqual(got, []string{"acme", "new"}) {
		t.Errorf("after zoo has left: %v", got)
	}
	if got := members(list, at, joined.Add(time.Hour)); len(got) != 3 {
		t.Errorf("in the time of the change: %v", got)
	}
	if got := membershipsOf(list, "acme"); len(got) != 2 || got[1].Tier != "enterprise" {
		t.Errorf("of one: %+v", got)
	}
	if got := membershipsOf(list, "absent"); len(got) != 0 {
		t.Errorf("of absent: %+v", got)
	}
	list = changed(list, []Tenant{{Name: "acme", Tier: "enterprise"}, {Name: "new", Tier: "free"}},
		joined.Add(membershipKept+time.Hour))
	if len(list) != 2 {
		t.Errorf("after 400 days %+v", list)
	}
}

// The record is saved with the list, continued by the next run, and read while a process holds the directory.
func TestMembershipsAreKept(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tenants.yaml")
	run := func(text string) *Registry {
		testkit.WriteFile(t, file, text)
		d, err := state.Open(filepath.Join(dir, "data"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		r := NewRegistry(d, slog.New(slog.DiscardHandler))
		s := r.Subscribe()
		reader, err := s.Prepare(&config.Registry{File: file, Refresh: config.Duration(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		s.Use(reader)
		if err := s.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := run("tenants: [{name: acme, tier: standard}, {name: zoo}]").Memberships("acme"); len(got) != 1 ||
		!got[0].From.IsZero() {
		t.Fatalf("at first %+v", got)
	}
	before := time.Now()
	r := run("tenants: [{name: acme, tier: enterprise}, {name: new}]")
	got := r.Memberships("acme")
	if len(got) != 2 || got[0].Tier != "standard" || got[0].To.Before(before) || got[1].From != got[0].To {
		t.Errorf("after the change %+v", got)
	}
	if got := r.Members(time.Now(), time.Now().Add(time.Hour)); !reflect.DeepEqual(got, []string{"acme", "new"}) {
		t.Errorf("members now: %v", got)
	}
	record, err := ReadMemberships(filepath.Join(dir, "data"))
	if err != nil || !reflect.DeepEqual(record.Of("acme"), got) || len(record.Of("zoo")) != 1 {
		t.Errorf("read beside: %+v, %v", record, err)
	}
	if empty, err := ReadMemberships(t.TempDir()); err != nil || len(empty.Members(time.Time{}, time.Now())) != 0 {
		t.Errorf("of nothing: %+v, %v", empty, err)
	}
}
