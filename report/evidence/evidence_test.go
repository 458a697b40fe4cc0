package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/report/source"
)

const policy = policytest.Minimal + `services: [{name: web, owner: sre}]
backups: [{name: db, app_service: web, interval: 1d, source: {program: directory, path: /b, pattern: "*"}}]
security: {scans: [{name: image, app_service: web, owner: security, interval: 1d, reports: [{file: /s/trivy.json}]}]}
procedures:
  ping_keys: [{env: HOME}]
  expected:
    - {name: access-review, interval: 1w, owner: security}
    - {name: failover-drill, interval: 1w, owner: sre}
`

var from = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// week is a week of a platform: a backup each midnight, a restore test each day of which one failed, one review.
func week(query string, at time.Time) []promtest.Sample {
	at = at.Truncate(5 * time.Minute)
	day := at.Truncate(24 * time.Hour)
	unix := func(at time.Time) float64 { return float64(at.Unix()) }
	test := map[string]string{"backup": "db", "test": "restore"}
	switch {
	case strings.HasPrefix(query, "count(last_over_time("):
		return []promtest.Sample{{Value: 1}}
	case strings.Contains(query, "thorbis_backup_last_success_timestamp"):
		return []promtest.Sample{{Labels: map[string]string{"backup": "db", "kind": "full"}, Value: unix(day)}}
	case strings.Contains(query, "thorbis_deployment_live_timestamp"):
		var all []promtest.Sample
		for name, live := range map[string]time.Time{"aaaa": from.Add(10 * time.Hour), "bbbb": from.Add(20 * time.Hour)} {
			if !at.Before(live) && at.Before(live.Add(2*time.Hour)) {
				all = append(all, promtest.Sample{Labels: map[string]string{
					"app_service": "web", "deployment": name, "pull_request": map[string]string{"aaaa": "12"}[name],
				}, Value: unix(live)})
			}
		}
		return all
	case strings.Contains(query, "thorbis_deployment_failed_after"):
		if at.Before(from.Add(21*time.Hour)) || at.After(from.Add(22*time.Hour)) {
			return nil
		}
		return []promtest.Sample{{Labels: map[string]string{
			"app_service": "web", "deployment": "bbbb", "reason": "rollback",
		}, Value: 600}}
	case strings.Contains(query, "max by (vendor, state)"):
		if since := from.Add(30 * time.Hour); !at.Before(since) && at.Before(since.Add(time.Hour)) {
			return []promtest.Sample{{
				Labels: map[string]string{"vendor": "supabase", "state": "major_outage"}, Value: unix(since),
			}}
		}
		return nil
	case strings.Contains(query, "max by (scan, report)"):
		return []promtest.Sample{{
			Labels: map[string]string{"scan": "image", "report": "trivy.json"}, Value: unix(day.Add(time.Hour)),
		}}
	case strings.Contains(query, "ThorbisScanMissed"):
		if at.Before(from.Add(50*time.Hour)) || at.After(from.Add(51*time.Hour)) {
			return nil
		}
		return []promtest.Sample{{Labels: map[string]string{
			"alertname": "ThorbisScanMissed", "alertstate": "firing", "scan": "image", "priority": "P3",
		}, Value: 1}}
	case strings.Contains(query, "test:last_run"):
		return []promtest.Sample{{Labels: test, Value: unix(day)}}
	case strings.Contains(query, "test:last_success"):
		if day.Day() == 3 {
			day = day.AddDate(0, 0, -1)
		}
		return []promtest.Sample{{Labels: test, Value: unix(day)}}
	case strings.Contains(query, "thorbis_procedure_last_success"):
		return []promtest.Sample{
			{Labels: map[string]string{"procedure": "access-review"}, Value: unix(from.Add(30 * time.Hour))},
			{Labels: map[string]string{"procedure": "failover-drill"}, Value: unix(from.Add(-30 * time.Hour))},
		}
	}
	return nil
}

func collect(t *testing.T) []*Population {
	t.Helper()
	c, err := source.NewClient(promtest.Serve(t, week), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &source.Prometheus{Client: c}
	all, defects, err := Collect(t.Context(), Options{
		Policy: policytest.Load(t, t.TempDir(), policy), Prometheus: p, From: from, To: from.AddDate(0, 0, 7),
		Incidents: &source.ScrapedIncidents{Prometheus: p, Environment: "production"},
	})
	if err != nil || len(defects) > 0 {
		t.Fatal(err, defects)
	}
	return all
}

func files(t *testing.T, seed string) map[string][]byte {
	t.Helper()
	list, err := Files(Manifest{Platform: "thorbis", From: from, Seed: seed}, collect(t), 2, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range list {
		all[f.Name] = f.Text
	}
	return all
}

func rows(t *testing.T, text []byte) [][]string {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// A population has every run within the time, and none outside it, with its result, who and artefact.
func TestPopulations(t *testing.T) {
	all := files(t, "a")
	backups := rows(t, all["backup_runs.csv"])
	if len(backups) != 7 || strings.Join(backups[0], ",") != "1,2026-10-01T00:00:00Z,db,success,sre,full,,A1.2" {
		t.Errorf("%q", backups)
	}
	tests := rows(t, all["restore_tests.csv"])
	failed := 0
	for _, r := range tests {
		if r[3] == resultFailure {
			failed++
			if r[1] != "2026-10-03T00:00:00Z" {
				t.Errorf("%q", r)
			}
		}
	}
	if len(tests) != 7 || failed != 1 {
		t.Errorf("%q", tests)
	}
	if reviews := rows(t, all["access_reviews.csv"]); len(reviews) != 1 || reviews[0][4] != "security" {
		t.Errorf("%q", reviews)
	}
	var deployments []string
	for _, r := range rows(t, all["deployments.csv"]) {
		deployments = append(deployments, strings.Join(r, ","))
	}
	if got := strings.Join(deployments, "\n"); got !=
		"1,2026-10-01T10:00:00Z,deployment of web,success,sre,aaaa #12,,CC8.1\n"+
			"2,2026-10-01T20:00:00Z,deployment of web,failure,sre,bbbb,rollback,CC8.1" {
		t.Errorf("%s", got)
	}
	vendors := rows(t, all["vendor_outages.csv"])
	if len(vendors) != 1 || strings.Join(vendors[0], ",") !=
		"1,2026-10-02T06:00:00Z,supabase,major_outage,,status page of supabase,,CC9.2" {
		t.Errorf("%q", vendors)
	}
	scans := rows(t, all["vulnerability_scans.csv"])
	if len(scans) != 8 || strings.Join(scans[0], ",") !=
		"1,2026-10-01T01:00:00Z,image,success,security,trivy.json,,CC7.1" ||
		!strings.HasPrefix(strings.Join(scans[3], ","), "4,2026-10-03T02:") || scans[3][3] != resultMissed {
		t.Errorf("%q", scans)
	}
	if drills := rows(t, all["drills.csv"]); len(drills) != 0 {
		t.Errorf("a drill of before the time is listed: %q", drills)
	}
}

// The checksums are those of the files, and the manifest has them; the same data and seed give the same bytes.
func TestEvidenceIsReproducible(t *testing.T) {
	one, two, other := files(t, "a"), files(t, "a"), files(t, "b")
	for line := range strings.Lines(string(one["SHA256SUMS"])) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if got := sha256.Sum256(one[name]); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s: %s", name, sum)
		}
	}
	for name, text := range one {
		if !bytes.Equal(text, two[name]) {
			t.Errorf("%s differs from one time to the next", name)
		}
	}
	if bytes.Equal(one["sample.csv"], other["sample.csv"]) {
		t.Error("another seed draws the same sample")
	}
	if bytes.Equal(one["backup_runs.csv"], nil) || !bytes.Equal(one["backup_runs.csv"], other["backup_runs.csv"]) {
		t.Error("the seed changes a population")
	}
	var m Manifest
	if err := json.Unmarshal(one["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Populations {
		if p.Size != min(2, p.Items) || len(p.Sample) != p.Size || len(p.Criteria) == 0 || len(p.SHA256) != 64 {
			t.Errorf("%+v", p)
		}
	}
	if sample := rows(t, one["sample.csv"]); len(sample) != 2+2+1+2+1+2 {
		t.Errorf("%q", sample)
	}
}

func TestSamples(t *testing.T) {
	for items, want := range map[int]int{0: 0, 1: 1, 4: 4, 12: 4, 52: 8, 90: 25, 100_000: 25} {
		if got := SampleSize(items); got != want {
			t.Errorf("of %d: %d, want %d", items, got, want)
		}
	}
	p := &Population{Key: "k", Items: make([]Item, 90)}
	seen := map[int]bool{}
	for _, i := range p.Sample("s", 25) {
		if seen[i] || i < 0 || i >= 90 {
			t.Errorf("item %d", i)
		}
		seen[i] = true
	}
	if len(seen) != 25 {
		t.Errorf("%d items", len(seen))
	}
	for name, want := range map[string]string{
		"access-review": "access_reviews", "restore-testing": "drills", "dependency-scan": "scans",
		"weekly-review": "reviews",
		"health-checks": "procedures", "vendor-audit": "reviews",
	} {
		if got := procedureKinds[kindOf(name)].key; got != want {
			t.Errorf("%s is in %s, want %s", name, got, want)
		}
	}
}
