package domain

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// After a restart what was known is exposed with its age, and looked up when it would have been.
func TestRestart(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
	section := `{names: [{name: example.com}, {name: other.com}], servers: {com: "` + base + `"}, spacing: 1m}`
	path := t.TempDir()
	dir := open(t, path)
	c := start(t, dir, section)
	lookupNext(t, c, time.Now())
	if err := c.saving.Round(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if !has(t, c, `thorbis_state_saves_total{collector="domain",result="success"} 1`) ||
		!has(t, c, `thorbis_state_unsaved{collector="domain"} 0`) {
		t.Error("the save is not exposed")
	}
	seen := c.records["example.com"].LastSuccess
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}

	again := start(t, open(t, path), section)
	for _, series := range []string{
		fmt.Sprintf(`thorbis_domain_expiry_timestamp_seconds{domain="example.com"} %g`, float64(day(2027, 3, 1).Unix())),
		`thorbis_domain_status{domain="example.com",status="clientHold"} 1`,
	} {
		if !has(t, again, series) {
			t.Errorf("after the restart: no %s", series)
		}
	}
	if got := again.records["example.com"].LastSuccess; !got.Equal(seen) {
		t.Errorf("it was looked up at %s, and after the restart at %s", seen, got)
	}
	if next, _ := again.next(time.Now()); next.domain != "" {
		t.Errorf("%s is asked at once, though the registry has just been asked", next.domain)
	}
	if next, _ := again.next(time.Now().Add(2 * time.Minute)); next.domain != "other.com" {
		t.Errorf("after the spacing %q is asked", next.domain)
	}
}

// The disk is read before a policy is put in force, under no lock that a scrape takes, and the list of servers once.
func TestCommitReadsNoDisk(t *testing.T) {
	dir := open(t, t.TempDir())
	save := func(name, text string) {
		t.Helper()
		if err := dir.Save(name, snapshotVersion, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	list := func(year int) string {
		return fmt.Sprintf(`{"publication": "%d-11-01T00:00:00Z", "services": [[["com"], ["https://x.example/"]]]}`, year)
	}
	save(snapshotName, `{"domains": {"a.com": {"last_success": "2026-11-01T00:00:00Z"}}}`)
	save(bootstrapName, list(2097))
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: dir, UserAgent: "test"})
	p := policy(t, `domains: {names: [{name: a.com}]}`)
	change, err := c.Prepare(p)
	if err != nil {
		t.Fatal(err)
	}
	save(snapshotName, `{}`)
	save(bootstrapName, list(2098))
	change.Commit()
	if c.records["a.com"].LastSuccess.IsZero() || c.bootstrap.published.Year() != 2097 {
		t.Error("the disk is read when the policy is put in force")
	}
	if err := collectors.Apply(c, p); err != nil || c.bootstrap.published.Year() != 2097 {
		t.Errorf("a reload reads the list again, %v", err)
	}
}

func open(t *testing.T, path string) *state.Dir {
	t.Helper()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

// A state that cannot be read is begun anew; one that cannot be saved is reported and tried again.
func TestStateFails(t *testing.T) {
	path := t.TempDir()
	dir := open(t, path)
	if err := dir.Save(snapshotName, snapshotVersion, []byte("not JSON")); err != nil {
		t.Fatal(err)
	}
	c := start(t, dir, `{names: [{name: example.com}]}`)
	if !hasMetric(t, c, metric.DomainInfo, "example.com") {
		t.Error("nothing is watched")
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	c.saving.Change()
	for range 2 {
		if err := c.saving.Round(t.Context(), nil); collectors.ReasonOf(err) != collectors.ReasonIO {
			t.Errorf("saving without a disk: %v", err)
		}
	}
	if !has(t, c, `thorbis_state_unsaved{collector="domain"} 1`) ||
		!has(t, c, `thorbis_state_saves_total{collector="domain",result="failure"} 2`) {
		t.Error("what is not saved is not exposed")
	}
}

// Domains that are no longer watched are forgotten after a week; one that is stays, whatever its age.
func TestForgets(t *testing.T) {
	c := start(t, nil, `{names: [{name: a.com}]}`)
	now := time.Now()
	c.records["a.com"].LastSuccess = now.Add(-30 * 24 * time.Hour)
	c.records["young.com"] = &record{LastSuccess: now.Add(-6 * 24 * time.Hour)}
	c.records["old.com"] = &record{LastSuccess: now.Add(-8 * 24 * time.Hour)}
	c.registries["done.example"] = &registry{Next: now.Add(-time.Second)}
	c.registries["paused.example"] = &registry{Next: now.Add(time.Hour)}
	if _, err := c.encode(now); err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 2 || c.records["a.com"] == nil || c.records["young.com"] == nil || len(c.registries) != 1 {
		t.Errorf("remembered: %v, %v", c.records, c.registries)
	}
}
