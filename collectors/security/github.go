package security

import (
	"cmp"
	"strconv"
)

// dependabotAlert is the part of an alert of GitHub's REST API (GET /repos/{owner}/{repo}/dependabot/alerts) that is
// read.
type dependabotAlert struct {
	State      string `json:"state"`
	Dependency struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
	} `json:"dependency"`
	Advisory struct {
		GHSA     string `json:"ghsa_id"`
		CVE      string `json:"cve_id"`
		Severity string `json:"severity"`
	} `json:"security_advisory"`
	Vulnerability struct {
		Severity string `json:"severity"`
		Patched  *struct {
			Identifier string `json:"identifier"`
		} `json:"first_patched_version"`
	} `json:"security_vulnerability"`
}

// parseDependabot reads GitHub's list of Dependabot alerts, all pages in one array. What was dismissed is suppressed;
// what is fixed is gone.
func parseDependabot(text []byte) (*report, error) {
	var list []dependabotAlert
	if err := decode(text, &list); err != nil {
		return nil, err
	}
	r := &report{}
	for _, a := range list {
		if a.State == "fixed" {
			continue
		}
		f := finding{
			ID: cmp.Or(a.Advisory.GHSA, a.Advisory.CVE), Package: a.Dependency.Package.Name,
			Severity: rating(cmp.Or(a.Vulnerability.Severity, a.Advisory.Severity)), Fixable: a.Vulnerability.Patched != nil,
			suppressed: a.State != "open",
		}
		if a.Advisory.CVE != "" {
			f.aliases = []string{a.Advisory.CVE}
		}
		r.findings = append(r.findings, f)
	}
	return r, nil
}

// codeAlert is the part of an alert of GitHub's REST API (GET /repos/{owner}/{repo}/code-scanning/alerts) that is read.
type codeAlert struct {
	State string `json:"state"`
	Rule  struct {
		ID            string `json:"id"`
		Severity      string `json:"severity"`
		SecurityLevel string `json:"security_severity_level"`
	} `json:"rule"`
	Instance struct {
		Location struct {
			Path      string `json:"path"`
			StartLine int    `json:"start_line"`
		} `json:"location"`
	} `json:"most_recent_instance"`
}

// parseCodeAlerts reads GitHub's list of code scanning alerts, all pages in one array.
func parseCodeAlerts(text []byte) (*report, error) {
	var list []codeAlert
	if err := decode(text, &list); err != nil {
		return nil, err
	}
	r := &report{}
	for _, a := range list {
		if a.State == "fixed" {
			continue
		}
		r.findings = append(r.findings, finding{
			ID: a.Rule.ID, Package: a.Instance.Location.Path, Version: "line " + strconv.Itoa(a.Instance.Location.StartLine),
			Severity: rating(cmp.Or(a.Rule.SecurityLevel, a.Rule.Severity)), Fixable: true, suppressed: a.State != "open",
		})
	}
	return r, nil
}
