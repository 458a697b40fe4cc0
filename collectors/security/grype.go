package security

import "github.com/thorbis/thorbis_exporter/metric"

// grypeReport is the part of Grype's JSON (grype/presenter/models) that is read.
type grypeReport struct {
	Matches        *[]grypeMatch `json:"matches"`
	IgnoredMatches []struct{}    `json:"ignoredMatches"`
	Descriptor     struct {
		Name      string `json:"name"`
		Timestamp string `json:"timestamp"`
	} `json:"descriptor"`
}

type grypeMatch struct {
	Vulnerability struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
		Fix      struct {
			State string `json:"state"`
		} `json:"fix"`
		KnownExploited []struct{} `json:"knownExploited"`
	} `json:"vulnerability"`
	RelatedVulnerabilities []struct {
		ID string `json:"id"`
	} `json:"relatedVulnerabilities"`
	Artifact struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"artifact"`
}

// parseGrype reads the report of grype -o json.
func parseGrype(text []byte) (*report, error) {
	var doc grypeReport
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	if doc.Matches == nil || doc.Descriptor.Name != "grype" {
		return nil, failed(metric.ScanMalformed, "not Grype's JSON")
	}
	r := &report{scanned: moment(doc.Descriptor.Timestamp), hidden: len(doc.IgnoredMatches)}
	for _, m := range *doc.Matches {
		f := finding{
			ID: m.Vulnerability.ID, Package: m.Artifact.Name, Version: m.Artifact.Version,
			Severity: rating(m.Vulnerability.Severity), Fixable: m.Vulnerability.Fix.State == "fixed",
			Exploited: len(m.Vulnerability.KnownExploited) > 0,
		}
		for _, related := range m.RelatedVulnerabilities {
			f.aliases = append(f.aliases, related.ID)
		}
		r.findings = append(r.findings, f)
	}
	return r, nil
}
