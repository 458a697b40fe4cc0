package health

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// askFor returns what an endpoint answers to a request.
func askFor(t *testing.T, c *Collector, path string, values url.Values) (any, error) {
	t.Helper()
	mux := http.NewServeMux()
	var data any
	var err error
	for _, e := range c.Endpoints() {
		mux.HandleFunc("GET /api/v1/"+e.Path, func(_ http.ResponseWriter, r *http.Request) { data, err = e.Answer(r) })
	}
	request := httptest.NewRequest(http.MethodGet, "/api/v1/"+path+"?"+values.Encode(), nil)
	mux.ServeHTTP(httptest.NewRecorder(), request)
	return data, err
}

func kindOf(err error) string {
	if refused, ok := errors.AsType[*collectors.RequestError](err); ok {
		return refused.Kind
	}
	return fmt.Sprint(err)
}

func TestHistoryOverHTTP(t *testing.T) {
	d := newDisk(t)
	if _, err := askFor(t, d.c, "checks/home", nil); kindOf(err) != collectors.RequestUnavailable {
		t.Errorf("before the archives are read: %v", err)
	}
	d.tick(5)
	if err := d.c.saveNow(d.now, false); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, query, kind, text string }{
		{"checks/hom", "", "not_found", `unknown check "hom": did you mean`},
		{"checks/home", "tenant=acme", "not_found", `check "home" is not per tenant: leave out the tenant`},
		{"checks/home", "from=yesterday", "bad_data", `invalid time "yesterday": write it like 2026-11-30 or`},
		{"checks/home", "to=2026-13-01", "bad_data", `invalid time "2026-13-01"`},
		{"checks/home", "from=2026-11-02&to=2026-11-01", "bad_data", "from must be before to"},
		{"checks/home", "from=2026-11-02&from=2026-11-01", "bad_data", "parameter from is given 2 times"},
		{"checks/home", "start=2026-11-02", "bad_data", `unknown parameter "start": there are from, to and tenant`},
		{"checks/home", "from=9999-01-01&to=99999-01-01", "bad_data", "invalid time"},
	} {
		values, err := url.ParseQuery(tc.query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = askFor(t, d.c, tc.path, values); kindOf(err) != tc.kind || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s?%s: %s %v, want %s %q", tc.path, tc.query, kindOf(err), err, tc.kind, tc.text)
		}
	}
	data, err := askFor(t, d.c, "checks/home", url.Values{"to": {d.now.Add(time.Second).Format(time.RFC3339Nano)}})
	if err != nil {
		t.Fatal(err)
	}
	h := data.(History)
	if h.Check != "home" || h.AppService != "web" || h.TimeZone != "UTC" || h.To.Sub(h.From) != defaultHistory {
		t.Errorf("%+v", h)
	}
	if len(h.Targets) != 1 || h.Targets[0].Location != "local" || h.Targets[0].State != "down" ||
		len(h.Targets[0].Outages) != 1 || h.Targets[0].Outages[0].Down != 4 || h.Targets[0].Outages[0].Reason != "timeout" {
		t.Errorf("%s", asJSON(h.Targets))
	}
	data, err = askFor(t, d.c, "checks", nil)
	if list := data.(checkList); err != nil || list.Omitted != 0 || len(list.Checks) != 1 ||
		asJSON(list.Checks[0]) != `{"check":"home","app_service":"web","per_tenant":false,"configured":true,`+
			`"states":{"down":1,"maintenance":0,"unknown":0,"up":0},"open_outages":1}` {
		t.Errorf("%s, %v", asJSON(data), err)
	}
}

// A date as to is that whole day, in the time zone of the SLA, and a plus sign need not be escaped.
func TestMomentsOfAQuery(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-03-29":                "2026-03-29T22:00:00Z",
		"2026-02-01":                "2026-02-01T23:00:00Z",
		"2026-03-29T01:00:00Z":      "2026-03-29T01:00:00Z",
		"2026-03-29T01:00:00 02:00": "2026-03-28T23:00:00Z",
	} {
		if got, err := moment(text, berlin, 1); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %s, %v, want %s", text, got.UTC(), err, want)
		}
	}
}

// The answer about a check of many tenants is bounded, and its totals are of all.
func TestHistoryOfManyTenantsIsBounded(t *testing.T) {
	const tenants = 5000
	d := newDisk(t)
	var entries []ended
	for i := range tenants {
		for day0 := range date(10) {
			entries = append(entries, ended{
				Sequence: uint64(len(entries) + 1), Check: "tenant-home", Tenant: fmt.Sprintf("t%05d", i), Location: "local",
				Month: testMonth, Day: day{
					Date: testMonth.first() + day0, Observed: time.Hour, Down: time.Duration(i) * time.Millisecond,
				},
			})
		}
	}
	d.c.history.waiting = entries
	if err := d.c.saveNow(d.now, false); err != nil {
		t.Fatal(err)
	}
	if err := d.c.archive(); err != nil {
		t.Fatal(err)
	}
	first := testMonth.first().midnight()
	h, err := d.c.History(HistoryQuery{Check: "tenant-home", From: first, To: first.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Targets) != maxHistoryRows/10 || h.TargetsOmitted != tenants-maxHistoryRows/10 {
		t.Errorf("%d targets, %d omitted", len(h.Targets), h.TargetsOmitted)
	}
	if got := h.Targets[0].Tenant; got != "t04999" {
		t.Errorf("the worst is %s", got)
	}
	if want := float64(tenants*10) * 3600; h.Total.Observed != want {
		t.Errorf("observed %v, want %v", h.Total.Observed, want)
	}
	one, err := d.c.History(HistoryQuery{Check: "tenant-home", Tenant: "t00007", From: first, To: first.AddDate(0, 1, 0)})
	if err != nil || len(one.Targets) != 1 || one.Total.Down != 0.07 {
		t.Errorf("one tenant: %s, %v", asJSON(one), err)
	}
	_, err = d.c.History(HistoryQuery{Check: "tenant-home", Tenant: "unknown", From: first, To: first.AddDate(0, 1, 0)})
	if kindOf(err) != collectors.RequestNotFound {
		t.Errorf("another tenant: %v", err)
	}
	list, _ := d.c.Checks()
	if len(list) != 2 || list[1].Check != "tenant-home" || list[1].Configured {
		t.Errorf("checks %s", asJSON(list))
	}
}
