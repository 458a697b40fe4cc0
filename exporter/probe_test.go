package exporter

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestProbe(t *testing.T) {
	target := site(t)
	load := newPolicyFile(t, target).load
	_, base := start(t, Options{Load: load})
	other := "?" + url.Values{"target": {"http://127.0.0.1:1/"}}.Encode()
	configured := "?" + url.Values{"target": {target}, "module": {"http_2xx"}}.Encode()

	a := get(t, base+"/probe"+configured, "X-Prometheus-Scrape-Timeout-Seconds", "5")
	if a.code != http.StatusOK || !strings.Contains(a.body, "\nprobe_success 1\n") ||
		!strings.Contains(a.body, "probe_http_status_code 200") {
		t.Errorf("configured: %d %s", a.code, a.body)
	}
	if a := get(t, base+"/probe"+configured+"&debug=true"); !strings.Contains(a.body, "Logs for the probe") {
		t.Errorf("debug: %+v", a)
	}
	for query, want := range map[string]int{
		other: http.StatusForbidden, "": http.StatusBadRequest, configured + "&target=x": http.StatusBadRequest,
		"?target=" + url.QueryEscape(target) + "&module=tcp_connect": http.StatusForbidden,
	} {
		if a := get(t, base+"/probe"+query); a.code != want {
			t.Errorf("%s: %d %s, want %d", query, a.code, a.body, want)
		}
	}
	_, base = start(t, Options{Load: load, ProbeAnyTarget: true})
	if a := get(t, base+"/probe"+other); a.code != http.StatusOK || !strings.Contains(a.body, "\nprobe_success 0\n") {
		t.Errorf("any target: %d %s", a.code, a.body)
	}
	if a := get(t, base+"/probe"+other+"&module=nosuch"); a.code != http.StatusBadRequest {
		t.Errorf("unknown module: %+v", a)
	}
}

func TestProbeTimeout(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "10": 9500 * time.Millisecond, "0.5": 250 * time.Millisecond, "1e300": maxProbeTimeout - scrapeTimeoutSlack,
	} {
		if got, err := probeTimeout(header); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", header, got, err, want)
		}
	}
	for _, header := range []string{"x", "-1", "0", "NaN"} {
		if _, err := probeTimeout(header); err == nil {
			t.Errorf("%q was taken", header)
		}
	}
}
