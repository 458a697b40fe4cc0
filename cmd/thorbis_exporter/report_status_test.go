package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/vendor"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// What report status writes is read by others as a status page: our collector of vendors is one of them.
func TestStatusIsReadAsAStatusPage(t *testing.T) {
	began := time.Now().Add(-10 * time.Minute)
	address := promtest.Serve(t, func(query string, _ time.Time) []promtest.Sample {
		if strings.Contains(query, metric.WatchdogAlert.Name) {
			return []promtest.Sample{{Value: 1}}
		}
		return []promtest.Sample{{Labels: map[string]string{
			"alertname": metric.CheckDownAlert.Name, "app_service": "web",
		}, Value: float64(began.Unix())}}
	})
	dir := t.TempDir()
	policy, page := filepath.Join(dir, "thorbis.yaml"), filepath.Join(dir, "summary.json")
	testkit.WriteFile(t, policy, policytest.Minimal+"services: [{name: web, owner: sre}]\n")
	code, _, errs := call(t, "--config.file="+policy, "report", "status", "--prometheus.url="+address, "--out="+page)
	if code != 0 {
		t.Fatalf("%d: %s", code, errs)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, page)
	}))
	defer site.Close()
	c := vendor.New(vendor.Options{Logger: slog.New(slog.DiscardHandler), UserAgent: "test"})
	if err := collectors.Apply(c, policytest.Load(t, t.TempDir(), policytest.Minimal+
		"vendors: [{name: us, interval: 30s, components: [web], status_page: "+site.URL+"/}]\n")); err != nil {
		t.Fatal(err)
	}
	s := collectors.NewSupervisor(slog.New(slog.DiscardHandler))
	s.Add("vendor", c)
	go s.Run(t.Context())
	want := metric.VendorState.Name + `{state="major_outage",vendor="us"} 1`
	testkit.Eventually(t, func() bool {
		text, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, metric.VendorState.Name)
		return err == nil && strings.Contains(string(text), want)
	}, "the vendor's state is read")
}
