package exporter

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// An outage of a real target is reported by the API: that it is open, then how long it was.
func TestOutageOverTheAPI(t *testing.T) {
	var broken atomic.Bool
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(target.Close)
	_, base := start(t, Options{Load: newPolicyFile(t, target.URL).load, Location: "nyc"})
	history := func() health.History {
		var decoded struct {
			Status string
			Data   health.History
		}
		a := get(t, base+"/api/v1/checks/home")
		if a.code == http.StatusServiceUnavailable {
			return health.History{}
		}
		if err := json.Unmarshal([]byte(a.body), &decoded); err != nil || decoded.Status != "success" {
			t.Fatalf("%d %v:\n%s", a.code, err, a.body)
		}
		return decoded.Data
	}
	testkit.Eventually(t, func() bool { return history().Total.Observed > 0 }, "the check is observed")
	broken.Store(true)
	began := time.Now()
	open := func() bool {
		h := history()
		return len(h.Targets) == 1 && len(h.Targets[0].Outages) == 1 && h.Targets[0].Outages[0].End == nil
	}
	testkit.Eventually(t, open, "the outage is open")
	broken.Store(false)
	testkit.Eventually(t, func() bool { return !open() }, "the outage has ended")
	h := history()
	o, today := h.Targets[0].Outages[0], h.Targets[0].Days[len(h.Targets[0].Days)-1]
	length := o.End.Sub(o.Begin).Seconds()
	if o.Reason != "status" || o.Ended != "recovered" || o.Begin.Before(began.Add(-time.Second)) ||
		o.Down <= 0 || o.Down > length+0.01 || length > time.Since(began).Seconds()+1 {
		t.Errorf("the outage is %+v", o)
	}
	if today.Outages != 1 || today.Down < o.Down-0.01 || today.Availability == nil || *today.Availability >= 1 {
		t.Errorf("the day is %+v", today)
	}
	if got := h.Targets[0]; got.Location != "nyc" || h.AppService != "web" {
		t.Errorf("the target is %+v of %s", got, h.AppService)
	}

	var list struct {
		Data struct{ Checks []health.CheckSummary }
	}
	a := get(t, base+"/api/v1/checks")
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list.Data.Checks) != 1 ||
		list.Data.Checks[0].Check != "home" {
		t.Errorf("%v:\n%s", err, a.body)
	}
	a = get(t, base+"/api/v1/checks/hose")
	if got := apiOf(t, a); a.code != http.StatusNotFound || got.ErrorType != "not_found" ||
		!strings.Contains(got.Error, `unknown check "hose": did you mean home?`) {
		t.Errorf("an unknown check: %d %s", a.code, a.body)
	}
	a = get(t, base+"/api/v1/checks/home?from=soon")
	if got := apiOf(t, a); a.code != http.StatusBadRequest || got.ErrorType != "bad_data" {
		t.Errorf("an invalid time: %d %s", a.code, a.body)
	}
}
