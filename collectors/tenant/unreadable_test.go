package tenant

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// unreadable returns the series of a collector's unreadable durations by reason and source.
func unreadable(t *testing.T, c *Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		if family.GetName() != metric.TenantSourceUnreadableDurations.Name {
			continue
		}
		for _, m := range family.GetMetric() {
			var key []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "app_service" {
					key = append(key, l.GetValue())
				}
			}
			all[strings.Join(key, " ")] = m.GetCounter().GetValue()
		}
	}
	return all
}

// Requests whose durations cannot be read count, and so do the reasons; the log shows how one is written, not what it
// says.
func TestUnreadableDurationsAreCounted(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme, tier: gold}]")
	text := ""
	for _, took := range []string{`0.1`, `"-"`, `"0.010 s"`, `"0.020 s"`, `true`, `-1`, `null`} {
		text += `{"host":"acme.example.com","status":200,"request_time":` + took + "}\n"
	}
	testkit.WriteFile(t, filepath.Join(dir, "access.json"), text)
	logged := &testkit.Buffer{}
	c := New(
		Options{Logger: slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})), Immediate: true})
	if err := collectors.Apply(c, filePolicy(t, dir, "")); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"negative log": 0, "syntax log": 0, "whole_seconds log": 0}
	if got := unreadable(t, c); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("at first %v, want %v", got, want)
	}
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	testkit.Eventually(t, func() bool { return c.Lines() == 7 }, "all lines counted")
	want = map[string]float64{"negative log": 1, "syntax log": 3, "whole_seconds log": 0}
	if got := unreadable(t, c); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	var out bytes.Buffer
	if err := c.Write(&out); err != nil || !strings.Contains(out.String(), `tenant="acme",code_class="2xx"} 7`) {
		t.Errorf("%v\n%s", err, &out)
	}
	if log := logged.String(); !strings.Contains(log, `reason=syntax written_like="0.000 a"`) ||
		strings.Contains(log, "0.010 s") {
		t.Errorf("log:\n%s", log)
	}
	// A reload keeps the counts.
	if err := collectors.Apply(c, filePolicy(t, dir, "  late_after: 1h")); err != nil {
		t.Fatal(err)
	}
	if got := unreadable(t, c); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after a reload %v, want %v", got, want)
	}
}

// A post counts them once it is saved, duplicates not at all.
func TestUnreadableDurationsOfPosts(t *testing.T) {
	o := newTestCollector(t,
		strings.Replace(receivingPolicy, "{host: h, status: s, id: i}", "{host: h, status: s, id: i, duration: d}", 1),
		t.TempDir())
	body := `[{"h":"acme.example.com","s":200,"i":1,"d":"0.010 ` +
		`s"},{"h":"acme.example.com","s":200,"i":2,"d":0.5},{"h":"acme.example.com","s":200,"i":1,"d":"0.010 s"}]`
	for range 2 {
		if code := o.served("json", body, "Authorization", secret); code != http.StatusOK {
			t.Fatalf("answer %d", code)
		}
	}
	// A post that cannot be read as a whole counts nothing.
	if code := o.served("json",
		`[{"h":"acme.example.com","s":200,"i":3,"d":"0.010 s"},`, "Authorization", secret); code != http.StatusBadRequest {
		t.Fatalf("answer %d", code)
	}
	if got := unreadable(t, o.c)["syntax web-json"]; got != 1 {
		t.Errorf("%v, want 1", got)
	}
}
