package source

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// The requests of a tenant are the same whether they are read alone or with those of all tenants.
func TestDirectory(t *testing.T) {
	path := t.TempDir()
	p := policytest.Load(t, t.TempDir(), policytest.Minimal)
	if _, err := OpenDirectory(path, p); err == nil || !strings.Contains(err.Error(), "it holds no history") {
		t.Errorf("an empty directory: %v", err)
	}
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() // it is held while it is read
	list, err := json.Marshal([]tenants.Membership{{Tenant: "acme", Tier: "free"}, {
		Tenant: "gone", To: time.Date(2026, 9, 30, 23, 0, 0, 0, time.UTC),
	}})
	if err == nil {
		err = d.Save("tenant-memberships", 1, list)
	}
	if err != nil {
		t.Fatal(err)
	}
	days := history.Open(filepath.Join(path, "tenant-history"))
	for _, date := range []history.Date{"2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01"} {
		if err := days.Write(&history.Day{
			Date: date, Part: "0123abcd.1", Zone: "UTC", Thresholds: []uint64{3e8}, Entries: []history.Entry{
				{Service: "web", Tenant: "acme", Counts: history.Counts{Requests: 9, Failed: 1, Slow: []uint64{2}}},
				{Service: "api", Tenant: "acme", Counts: history.Counts{Requests: 1, Late: 1, Slow: []uint64{0}}},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := OpenDirectory(path, p)
	if err != nil {
		t.Fatal(err)
	}
	r := october(t)
	if names, err := dir.Tenants(t.Context(), r); err != nil || len(names) != 1 || names[0] != "acme" {
		t.Errorf("%q, %v", names, err)
	}
	for _, prepared := range []bool{false, true} {
		if prepared {
			if err := dir.Prepare(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		acme, err := dir.Tenant(t.Context(), "acme", r)
		if err != nil || !acme.Known || len(acme.Requests) != 2 || acme.Requests[1].Requests != 18 ||
			acme.Requests[1].Slow[300*time.Millisecond] != 4 || acme.Requests[0].Late != 2 ||
			acme.Memberships[0].Tier != "free" {
			t.Errorf("prepared %v: %+v, %v", prepared, acme, err)
		}
	}
	if absent, err := dir.Tenant(t.Context(), "absent", r); err != nil || absent.Known {
		t.Errorf("%+v, %v", absent, err)
	}
}
