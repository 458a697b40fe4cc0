package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// scanInterval is short, because the demonstration waits for it.
const scanInterval = time.Minute

// scanReports are what the scanners of the demonstration report, with a place for the time of the scan. Both find
// CVE-2026-1001; what Grype calls critical and known to be exploited, Trivy calls high.
var scanReports = map[string]string{
	"web.trivy.json": `{"SchemaVersion": 2, "CreatedAt": %q, "ArtifactName": "web:1", "ArtifactType": "container_image",
  "Results": [{"Target": "web:1 (debian 13)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [
    {"VulnerabilityID": "CVE-2026-1001", "PkgName": "libdemo", "InstalledVersion": "1.2", "FixedVersion": "1.3",
      "Severity": "HIGH"},
    {"VulnerabilityID": "CVE-2026-1002", "PkgName": "libother", "InstalledVersion": "4.0", "FixedVersion": "4.1",
      "Severity": "MEDIUM"},
    {"VulnerabilityID": "CVE-2026-1003", "PkgName": "libold", "InstalledVersion": "0.9", "Severity": "LOW"}]}]}
`,
	"web.grype.json": `{"matches": [
  {"vulnerability": {"id": "GHSA-demo-demo-1001", "severity": "Critical",
    "fix": {"versions": ["1.3"], "state": "fixed"},
    "knownExploited": [{"cve": "CVE-2026-1001"}]}, "relatedVulnerabilities": [{"id": "CVE-2026-1001"}],
    "artifact": {"name": "libdemo", "version": "1.2", "type": "deb"}}],
  "ignoredMatches": [{}], "descriptor": {"name": "grype", "version": "0.99.0", "timestamp": %q}}
`,
}

// backOffice is a list of accounts of which one was never used and never expires, with a place for the day of the
// reviews.
const backOffice = `{"version": 1, "accounts": [
  {"name": "ada", "kind": "human", "role": "administrator", "privileged": true, "two_factors": true,
    "last_used": %[1]q, "last_reviewed": %[1]q, "expires": "2099-01-01"},
  {"name": "bob", "kind": "human", "role": "clerk", "privileged": false, "two_factors": false, "last_used": %[1]q,
    "last_reviewed": %[1]q, "expires": "2099-01-01"},
  {"name": "importer", "kind": "service", "last_used": "never", "last_reviewed": %[1]q,
    "expires": "never"}]}
`

// runScans writes the reports of two scanners and a list of accounts, as timers do elsewhere.
func (s *Stack) runScans(ctx context.Context) error {
	tick := time.NewTicker(scanInterval)
	defer tick.Stop()
	for {
		for name, text := range scanReports {
			if err := s.replace("scans/"+name, fmt.Sprintf(text, time.Now().UTC().Format(time.RFC3339))); err != nil {
				return err
			}
		}
		yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
		if err := s.replace("scans/back-office.json", fmt.Sprintf(backOffice, yesterday)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// replace writes a file at once, so that no reader sees a part of it.
func (s *Stack) replace(name, text string) error {
	if err := s.write(name+".new", text); err != nil {
		return err
	}
	path := filepath.Join(s.Dir, name)
	return os.Rename(path+".new", path)
}
