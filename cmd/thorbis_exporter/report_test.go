package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// slaAnswer is what the tests read of a report in JSON.
type slaAnswer struct {
	Tenant   string  `json:"tenant"`
	Down     float64 `json:"down_seconds"`
	Services []struct {
		Name string `json:"app_service"`
	} `json:"services"`
	Outages []struct {
		Check string  `json:"check"`
		Down  float64 `json:"down_seconds"`
	} `json:"outages"`
	Requests []struct {
		Requests uint64 `json:"requests"`
		Failed   uint64 `json:"failed"`
	} `json:"requests"`
	Memberships []struct {
		Tier string `json:"tier"`
	} `json:"memberships"`
	Method struct {
		Data    string   `json:"data_sha256"`
		Policy  string   `json:"policy_sha256"`
		Defects []string `json:"defects"`
	} `json:"method"`
}

// A report of a real exporter has its outage and its requests, and is the same over the API and from its state
// directory, while it runs.
func TestReportOfARunningExporter(t *testing.T) {
	var broken atomic.Bool
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer site.Close()
	p := newProgram(t)
	dir := filepath.Dir(p.policy)
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme, tier: enterprise}, {name: beta}]")
	log := ""
	for i := range 10 {
		log += fmt.Sprintf(`{"host":"acme.example.com","status":%d,"request_time":0.4,"time":%q}`+"\n", 200+300*(i/9),
			time.Now().Format(time.RFC3339))
	}
	testkit.WriteFile(t, filepath.Join(dir, "access.json"), log)
	testkit.WriteFile(t, p.policy, `version: 1
channels: {deadman: none}
tiers: {enterprise: {}}
objectives: {latency: [{threshold: 300ms, ratio: 95%}]}
services: [{name: web, owner: sre}]
sla: {availability: 99.9%, credits: [{below: 99.9%, credit: 10%}]}
health:
  interval: 1s
  timeout: 500ms
  checks:
    - {name: home, app_service: web, target: "`+site.URL+`"}
    - {name: own, app_service: web, target: "`+site.URL+`/{tenant}", per_tenant: {interval: 1s}}
tenants:
  registry: {file: tenants.yaml}
  host: "{tenant}.example.com"
  sources: [{file: access.json, format: nginx-json, app_service: web}]
`)
	p.start()
	states := func(check string) string {
		resp, err := http.Get(p.base + "/api/v1/checks/" + check)
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		var text strings.Builder
		_, _ = fmt.Fprint(&text, resp.StatusCode)
		var a any
		_ = json.NewDecoder(resp.Body).Decode(&a)
		out, _ := json.Marshal(a)
		return string(out)
	}
	p.eventually("up", func() bool { return strings.Count(states("own"), `"state":"up"`) == 2 })
	broken.Store(true)
	p.eventually("down", func() bool {
		return strings.Contains(states("home"), `"state":"down"`) && strings.Count(states("own"), `"state":"down"`) == 2
	})
	broken.Store(false)
	p.eventually("up again", func() bool {
		return strings.Contains(states("home"), `"ended":"recovered"`) && strings.Count(states("own"), "recovered") == 2
	})
	month := "--month=" + time.Now().UTC().Format("2006-01")
	over := func(source string) slaAnswer {
		code, out, errs := call(t, "--config.file="+p.policy, "report", "sla", month, "--tenant=acme", "--format=json",
			source)
		var a slaAnswer
		if err := json.Unmarshal([]byte(out), &a); err != nil || code != 0 && code != exitDoubtful {
			t.Fatalf("%d %v %s\n%s", code, err, errs, out)
		}
		return a
	}
	p.eventually("requests", func() bool {
		a := over("--exporter.url=" + p.base)
		return len(a.Requests) == 1 && a.Requests[0].Requests == 10 && len(a.Outages) == 2
	})
	a := over("--exporter.url=" + p.base)
	if a.Tenant != "acme" || a.Requests[0].Failed != 1 || len(a.Memberships) != 1 ||
		a.Memberships[0].Tier != "enterprise" || len(a.Method.Data) != 64 || a.Outages[0].Down <= 0 || a.Down <= 0 {
		t.Errorf("%+v", a)
	}
	out := filepath.Join(t.TempDir(), "reports")
	code, _, errs := call(t, "--config.file="+p.policy, "report", "sla", month, "--all-tenants", "--out="+out,
		"--state="+p.storage)
	files, err := filepath.Glob(out + "/sla-*")
	if err != nil || code != 0 && code != exitDoubtful || len(files) != 6 {
		t.Errorf("%d %s %q", code, errs, files)
	}
	beside := over("--state=" + p.storage)
	if fmt.Sprint(beside.Outages) != fmt.Sprint(a.Outages) || fmt.Sprint(beside.Memberships) != fmt.Sprint(a.Memberships) {
		t.Errorf("beside %+v, over the API %+v", beside, a)
	}
	// Of an exporter that has ended nothing changes any more.
	testkit.WriteFile(t, p.policy, "version: 1\nchannels: {deadman: none}\n")
	if code, _, errs := call(t, "--config.file="+p.policy, "report", "sla", month, "--exporter.url="+p.base); code !=
		exitDoubtful || !strings.Contains(errs, "warning: ") {
		t.Errorf("with another policy: %d %s", code, errs)
	}
	if info, err := os.Stat(filepath.Join(out, "sla-"+time.Now().UTC().Format("2006-01")+"-acme.html")); err != nil ||
		info.Size() < 1000 {
		t.Errorf("%v, %v", info, err)
	}
}

// Wrong usage is refused with what to write instead.
func TestReportUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--month=2026-13":                    `2 --month: invalid month "2026-13": write it like 2026-10`,
		"--month=2026-01..2026-02":           "2 thorbis_exporter: several months need --out",
		"--all-tenants":                      "2 thorbis_exporter: --all-tenants needs --out",
		"--tenant=a --tier=b":                "2 thorbis_exporter: --tenant excludes",
		"--format=pdf":                       "2 thorbis_exporter: enum value must be one of",
		"--month=2026-03..2026-01 --out=/x":  "1 --month: 2026-03 is after 2026-01",
		"--month=2020-01..2026-01 --out=/x":  "1 --month: too many months",
		"--exporter.url=x":                   `1 --exporter.url: invalid URL "x"`,
		"--exporter.url=http://127.0.0.1:1":  "1 http://127.0.0.1:1 does not answer",
		"--state=/nonexistent":               "1 state directory /nonexistent: it holds no history",
		"--prometheus.url=http://u:hunter@x": "1 --prometheus.url: the URL of x holds credentials",
		"--http.config.file=/nonexistent":    "1 --http.config.file: ",
	} {
		code, _, errs := call(t, append([]string{"report", "sla"}, strings.Fields(args)...)...)
		got := fmt.Sprintf("%d %s", code, errs)
		if want = strings.Replace(want, "2 --month", "1 --month", 1); !strings.HasPrefix(got, want) ||
			strings.Contains(errs, "hunter") {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// The reports that deploy/systemd ships are written with flags that exist, through a channel of the shipped policy.
func TestShippedReports(t *testing.T) {
	files, err := filepath.Glob("../../deploy/systemd/report-*.env")
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	policy, err := os.ReadFile("../../deploy/policy/thorbis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, options, ok := strings.Cut(string(text), "\nREPORT_OPTIONS=")
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "report-"), ".env")
		args := append([]string{"--config.file=/nonexistent", "report", name}, strings.Fields(options)...)
		if code, _, errs := call(t, args...); !ok || code != 1 || !strings.Contains(errs, "/nonexistent") {
			t.Errorf("%s: %d %s", file, code, errs)
		}
		if _, channel, sent := strings.Cut(options, "--send="); sent {
			if channel = strings.Fields(channel)[0]; !strings.Contains(string(policy), "\n  "+channel+":") {
				t.Errorf("%s: the policy has no channel %s", file, channel)
			}
		}
		timer, err := os.ReadFile("../../deploy/systemd/thorbis-report-" + name + ".timer")
		if err != nil || !strings.Contains(string(timer), "Unit=thorbis-report@"+name+".service\n") {
			t.Errorf("%s: %v", timer, err)
		}
	}
}
