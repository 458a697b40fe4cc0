package security

import (
	"strconv"

	"github.com/thorbis/thorbis_exporter/metric"
)

// trivyReport is the part of Trivy's JSON (pkg/types/report.go) that is read.
type trivyReport struct {
	SchemaVersion int
	CreatedAt     string
	ArtifactName  string
	Results       []struct {
		Target          string
		Vulnerabilities []struct {
			VulnerabilityID, PkgName, InstalledVersion, FixedVersion, Severity string
			VendorIDs                                                          []string
		}
		Misconfigurations []struct{ ID, Severity, Status string }
		Secrets           []struct {
			RuleID, Severity string
			StartLine        int
		}
		// What --show-suppressed lists.
		ExperimentalModifiedFindings []struct{}
	}
}

// parseTrivy reads the report of trivy --format json. One without results is of an artefact in which Trivy knows
// nothing to scan: a clean one lists what was scanned. Licences are not counted.
func parseTrivy(text []byte) (*report, error) {
	var doc trivyReport
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	switch {
	case doc.SchemaVersion != 2:
		return nil, failed(metric.ScanMalformed, "not Trivy's JSON of SchemaVersion 2")
	case len(doc.Results) == 0:
		return nil, failed(metric.ScanOfNothing, "Trivy found nothing that it can scan in %q", bounded(doc.ArtifactName))
	}
	r := &report{scanned: moment(doc.CreatedAt)}
	for _, one := range doc.Results {
		for _, v := range one.Vulnerabilities {
			r.findings = append(r.findings, finding{
				ID: v.VulnerabilityID, Package: v.PkgName, Version: v.InstalledVersion, Severity: rating(v.Severity),
				Fixable: v.FixedVersion != "", aliases: v.VendorIDs,
			})
		}
		for _, m := range one.Misconfigurations {
			if m.Status == "FAIL" { // passes are listed too, if asked for
				r.findings = append(r.findings, finding{
					ID: m.ID, Package: one.Target, Severity: rating(m.Severity), Fixable: true,
				})
			}
		}
		for _, s := range one.Secrets {
			r.findings = append(r.findings, finding{
				ID: s.RuleID, Package: one.Target, Version: "line " + strconv.Itoa(s.StartLine), Severity: rating(s.Severity),
				Fixable: true,
			})
		}
		r.hidden += len(one.ExperimentalModifiedFindings)
	}
	return r, nil
}
