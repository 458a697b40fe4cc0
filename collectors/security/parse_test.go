package security

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (f finding) String() string {
	parts := []string{f.ID, f.Package, f.Version, f.Severity}
	for name, set := range map[string]bool{"fixable": f.Fixable} {
		if set {
			parts = append(parts, name)
		}
	}
	if f.Exploited {
		parts = append(parts, "exploited")
	}
	if f.suppressed {
		parts = append(parts, "suppressed")
	}
	return strings.Join(parts, " ")
}

// samples are a report of each format, and what is read of it.
var samples = map[string]struct {
	format string
	want   []string
	hidden int
	timed  bool
}{
	"trivy.json": {config.ScanTrivy, []string{
		"CVE-2026-1 libx 1 high fixable", "CVE-2026-7 liby 4.1-2 low", "DS002 Dockerfile  high fixable",
		"aws-access-key-id app/config.py line 12 critical fixable",
	}, 1, true},
	"grype.json": {config.ScanGrype, []string{
		"CVE-2026-8 libz 1.3 low", "GHSA-aaaa-bbbb-cccc libx 1 critical fixable exploited",
	}, 1, true},
	"osv.json": {config.ScanOSV, []string{
		"GHSA-aaaa x 1.0.0 high fixable", "GHSA-dead x 1.0.0 unknown suppressed",
	}, 0, false},
	"govulncheck.json": {config.ScanGovulncheck, []string{
		"GO-2026-0001 example.com/m v1.2.2 unknown fixable", "GO-2026-0002 example.com/n v0.1.0 unknown suppressed",
	}, 0, false},
	"npm.json": {config.ScanNPM, []string{
		"GHSA-aaaa x  high fixable", "GHSA-bbbb z  low", "npm-1094574 x  medium fixable",
	}, 0, false},
	"sarif.json": {config.ScanSARIF, []string{
		"R1 a.go 39fa2ee980eb94b0:1 high fixable", "R1 c.go line 0 high fixable suppressed", "R1 d.go line 1 high fixable",
		"R2 b.go line 9 low fixable", "R9 e.go line 2 medium fixable",
	}, 0, true},
	"dependabot.json": {config.ScanDependabot, []string{
		"GHSA-aaaa x  high fixable", "GHSA-bbbb y  low suppressed",
	}, 0, false},
	"code-scanning.json": {config.ScanCodeAlerts, []string{
		"js/unused a.ts line 1 low fixable", "js/zipslip b.ts line 2 high fixable suppressed",
		"js/zipslip spec/main.ts line 917 critical fixable",
	}, 0, false},
}

func TestParse(t *testing.T) {
	for name, x := range samples {
		text := recorded(t, name)
		if got := formatOf(text); got != x.format {
			t.Errorf("%s: the format is found to be %q", name, got)
		}
		for _, format := range []string{x.format, config.ScanAuto} {
			r, err := parse(format, text)
			if err != nil {
				t.Errorf("%s as %s: %v", name, format, err)
				continue
			}
			var got []string
			for _, f := range r.findings {
				got = append(got, f.String())
			}
			slices.Sort(got)
			if !slices.Equal(got, x.want) || r.hidden != x.hidden {
				t.Errorf("%s:\n%s\n%d hidden, want\n%s\n%d hidden", name, strings.Join(got, "\n"), r.hidden,
					strings.Join(x.want, "\n"), x.hidden)
			}
			if x.timed != !r.scanned.IsZero() || x.timed && r.scanned.UTC().Format(time.DateOnly) != "2026-09-21" {
				t.Errorf("%s: scanned %s", name, r.scanned)
			}
		}
	}
}

// An empty or broken report is a failed scan with its reason, never one without findings.
func TestFailedScans(t *testing.T) {
	for _, x := range []struct{ format, text, want string }{
		{"auto", "", metric.ScanEmpty},
		{"trivy", " \n", metric.ScanEmpty},
		{"auto", "{}", metric.ScanMalformed},
		{"auto", "null", metric.ScanMalformed},
		{"auto", "[1]", metric.ScanMalformed},
		{"auto", "trivy: not found", metric.ScanMalformed},
		{"trivy", `{"SchemaVersion":2,"ArtifactName":"app:1","ArtifactType":"container_image"}`, metric.ScanOfNothing},
		{"trivy", `{"matches":[],"descriptor":{"name":"grype"}}`, metric.ScanMalformed},
		{"trivy", `{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{}]}]}`, metric.ScanMalformed},
		{"grype", `{"matches":null,"descriptor":{"name":"grype"}}`, metric.ScanMalformed},
		{"osv-scanner", `{"results":null}`, metric.ScanMalformed},
		{"govulncheck", `{"osv":{"id":"GO-2026-0001"}}`, metric.ScanMalformed},
		{
			"auto", `{"message":"request to https://registry failed","method":"POST","uri":"/-/npm/v1/security/audits"}`,
			metric.ScanUnsuccessful,
		},
		{"npm-audit", `{"auditReportVersion":2,"vulnerabilities":{}}`, metric.ScanMalformed},
		{
			"npm-audit", `{"auditReportVersion":2,"vulnerabilities":{},"metadata":{"dependencies":{"total":0}}}`,
			metric.ScanOfNothing,
		},
		{"sarif", `{"version":"2.1.0","runs":[]}`, metric.ScanOfNothing},
		{"sarif", `{"version":"2.0.0","runs":[{}]}`, metric.ScanMalformed},
		{"sarif", `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}}}]}`, metric.ScanUnsuccessful},
		{
			"sarif", `{"version":"2.1.0","runs":[{"invocations":[{"executionSuccessful":false}],"results":[]}]}`,
			metric.ScanUnsuccessful,
		},
		{"dependabot", `{"message":"Bad credentials"}`, metric.ScanMalformed},
	} {
		r, err := parse(x.format, []byte(x.text))
		why, ok := errors.AsType[*failedScan](err)
		if !ok || why.state != x.want || r != nil {
			t.Errorf("%s %s: %v, want %s", x.format, x.text, err, x.want)
		}
	}
	for name, x := range samples { // cut off anywhere
		text := recorded(t, name)
		for _, part := range []int{3, 2} {
			if _, err := parse(x.format, text[:len(text)*(part-1)/part-1]); err == nil {
				t.Errorf("%s is read though it is cut off", name)
			}
		}
	}
	many := `{"SchemaVersion":2,"Results":[{"Vulnerabilities":[` +
		strings.Repeat(`{"VulnerabilityID":"a"},`, maxFindings) + `{"VulnerabilityID":"a"}]}]}`
	if _, err := parse(config.ScanTrivy, []byte(many)); err == nil || !strings.Contains(err.Error(), "20001") {
		t.Error(err)
	}
	for _, clean := range []string{
		`{"matches":[],"descriptor":{"name":"grype"}}`, `{"results":[]}`, "[]",
		`{"config":{"protocol_version":"v1.0.0","scan_level":"symbol"}}`, `{"version":"2.1.0","runs":[{"results":[]}]}`,
		`{"SchemaVersion":2,"ArtifactName":"a","Results":[{"Target":"a","Class":"os-pkgs"}]}`,
	} {
		if r, err := parse(config.ScanAuto, []byte(clean)); err != nil || len(r.findings) > 0 {
			t.Errorf("%s: %v, %v", clean, r, err)
		}
	}
}

// A finding that several scanners report under several names counts once, with the worst severity.
func TestMerged(t *testing.T) {
	var lists [][]finding
	for _, name := range []string{"trivy.json", "grype.json", "osv.json", "npm.json", "dependabot.json"} {
		r, err := parse(config.ScanAuto, recorded(t, name))
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, r.findings)
	}
	var got []string
	for _, f := range merged(lists) {
		got = append(got, f.String())
	}
	want := []string{
		"CVE-2026-1 libx 1 critical fixable exploited", "CVE-2026-2 x 1.0.0 high fixable", "CVE-2026-7 liby 4.1-2 low",
		"CVE-2026-8 libz 1.3 low", "DS002 Dockerfile  high fixable",
		"GHSA-bbbb y  low suppressed", "GHSA-bbbb z  low",
		"GHSA-dead x 1.0.0 unknown suppressed", "aws-access-key-id app/config.py line 12 critical fixable",
		"npm-1094574 x  medium fixable",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestVEX(t *testing.T) {
	all, err := parseVEX(recorded(t, "vex.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		f    finding
		want bool
	}{
		{finding{ID: "CVE-2026-1", Package: "libx", Version: "1"}, true},
		{finding{ID: "GHSA-x", aliases: []string{"CVE-2026-1"}, Package: "libx", Version: "1"}, true},
		{finding{ID: "CVE-2026-1", Package: "libx", Version: "2"}, false},
		{finding{ID: "CVE-2026-1", Package: "liby", Version: "1"}, false},
		{finding{ID: "CVE-2026-7", Package: "liby"}, false},
		{finding{ID: "CVE-2026-2", Package: "x", Version: "1.0.0"}, true},
		{finding{ID: "CVE-2026-3", Package: "x", Version: "1"}, false}, // of what is not known
	} {
		covered := slices.ContainsFunc(all, func(s statement) bool { return s.covers(x.f) })
		if covered != x.want {
			t.Errorf("%+v: %v", x.f, covered)
		}
	}
	for purl, want := range map[string]string{
		"pkg:npm/%40scope/name@1.0.0":            "[@scope/name @scope:name] 1.0.0",
		"pkg:golang/github.com/acme/m@v1.2.3":    "[github.com/acme/m github.com/acme:m] v1.2.3",
		"pkg:deb/debian/libx@1%3A2-3?arch=amd64": "[libx] 1:2-3",
		"pkg:maven/org.apache/log4j@2.14#sub":    "[org.apache/log4j org.apache:log4j] 2.14",
		"pkg:pypi/requests":                      "[requests] ",
		"pkg:nothing":                            "", "npm/x@1": "", "pkg:npm/%zz": "",
	} {
		got := ""
		for _, s := range ofPURL("CVE-1", purl) {
			got = fmt.Sprint(s.packages, " ", s.version)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", purl, got, want)
		}
	}
	if _, err := parseVEX([]byte(`{"vulnerabilities":[]}`)); err == nil {
		t.Error("another document is read")
	}
}

func FuzzParse(f *testing.F) {
	for name := range samples {
		f.Add(recorded(f, name))
	}
	for _, name := range []string{"vex.json", "kev.json"} {
		f.Add(recorded(f, name))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range config.ScanFormats {
			r, err := parse(format, text)
			if err != nil {
				if why, ok := errors.AsType[*failedScan](err); !ok || !slices.Contains(metric.ScanStates[1:], why.state) {
					t.Fatalf("%s: %v", format, err)
				}
				continue
			}
			for _, one := range merged([][]finding{r.findings, r.findings}) {
				if one.ID == "" || len(one.ID) > maxText && len(one.aliases) == 0 ||
					!slices.Contains(metric.FindingSeverities, one.Severity) {
					t.Fatalf("%s: %+v", format, one)
				}
			}
		}
		_, _ = parseVEX(text)
		_, _ = parseCatalogue(text)
	})
}
