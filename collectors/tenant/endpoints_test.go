package tenant

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The API answers what was counted of a tenant today and on days that are over, and what is wrong with a request.
func TestHistoryOfATenant(t *testing.T) {
	storage := filepath.Join(t.TempDir(), "state")
	o := newTestCollector(t, receivingPolicy, storage)
	if code := o.post("json", `{"h":"acme.example.com","s":500,"i":"1"}`, "Authorization", // one of four
		secret).StatusCode; code != http.StatusOK {
		t.Fatal(code)
	}
	today := history.DateOf(time.Now().UTC())
	days := history.Open(filepath.Join(storage, "tenant-history"))
	if err := days.Write(&history.Day{
		Date: today.Add(-3), Part: "0123abcd.1", Zone: "UTC", Thresholds: []uint64{3e8}, Entries: []history.Entry{
			{Service: "web", Tenant: "acme", Counts: history.Counts{Requests: 9, Failed: 1, Bytes: 7, Slow: []uint64{2}}},
			{Service: "web", Tenant: "gone", Counts: history.Counts{Requests: 1, Slow: []uint64{0}}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	ask := func(name, query string) (string, error) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/tenants/x?"+query, nil)
		r.SetPathValue("name", name)
		data, err := o.c.Endpoints()[0].Answer(r)
		text, _ := json.Marshal(data)
		return string(text), err
	}
	testkit.Eventually(t, func() bool {
		text, _ := ask("acme", "")
		return strings.Contains(text, `"requests":13,"failed":5`)
	}, "both days")
	text, err := ask("acme", "to="+string(today.Add(-1)))
	want := `"total":{"requests":9,"failed":1,"late":0,"late_failed":0,"slow":{"0.3":2},"bytes":7,` +
		`"availability_ratio":0.8888888888888888},"days":[{"date":"` + string(today.Add(-3)) + `","requests":9,`
	if err != nil || !strings.Contains(text, want) || !strings.Contains(text, `"unreadable_days":[]`) {
		t.Errorf("%v %s, want %s", err, text, want)
	}
	if text, err := ask("gone", ""); err != nil || !strings.Contains(text, `"requests":1,`) {
		t.Errorf("one that left: %v %s", err, text)
	}
	for query, kind := range map[string]string{
		"from=yesterday": collectors.RequestInvalid, "to=2026-02-30": collectors.RequestInvalid,
		"from=2026-02-02&to=2026-02-01": collectors.RequestInvalid, "tenant=x": collectors.RequestInvalid,
		"from=2026-02-01&from=2026-02-02": collectors.RequestInvalid, "": collectors.RequestNotFound,
	} {
		_, err := ask("absent", query)
		if refused, ok := errors.AsType[*collectors.RequestError](err); !ok || refused.Kind != kind {
			t.Errorf("%q: %v, want %s", query, err, kind)
		}
	}
	file := filepath.Join(storage, "tenant-history", string(today.Add(-3))+".0123abcd.1.day")
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := ask("acme", ""); err != nil ||
		!strings.Contains(text, `"unreadable_days":["`+string(today.Add(-3))+`"]`) ||
		!strings.Contains(text, `"requests":4,"failed":4`) {
		t.Errorf("a damaged day: %v %s", err, text)
	}
	if _, _, errors := o.c.Store().HistoryStatus(); errors.Read != 1 {
		t.Errorf("%+v", errors)
	}
}
