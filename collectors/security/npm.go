package security

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// npmReport is the part of the report of npm audit of version 2 (npm 7 and newer) that is read.
type npmReport struct {
	Version         int    `json:"auditReportVersion"`
	Message         string `json:"message"`
	Vulnerabilities map[string]struct {
		Via []json.RawMessage `json:"via"`
		// FixAvailable is a boolean, or the version that has the fix.
		FixAvailable json.RawMessage `json:"fixAvailable"`
	} `json:"vulnerabilities"`
	Metadata *struct {
		Dependencies struct {
			Total *int `json:"total"`
		} `json:"dependencies"`
	} `json:"metadata"`
}

// npmAdvisory is why a package is vulnerable itself. Where it is so through another package, a string stands instead.
type npmAdvisory struct {
	Source   int64  `json:"source"`
	Name     string `json:"name"`
	URL      string `json:"url"`
	Severity string `json:"severity"`
}

func (a npmAdvisory) id() string {
	if id := path.Base(a.URL); strings.HasPrefix(id, "GHSA-") {
		return id
	}
	return "npm-" + strconv.FormatInt(a.Source, 10)
}

// parseNPM reads the report of npm audit --json. Its own counts are of packages, those that depend on a vulnerable one
// included; here each advisory counts once. It has a range of versions, not the one that is installed.
func parseNPM(text []byte) (*report, error) {
	var doc npmReport
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	switch {
	case doc.Version != 2 && doc.Message != "":
		return nil, failed(metric.ScanUnsuccessful, "npm audit failed: %s", bounded(doc.Message))
	case doc.Version != 2 || doc.Metadata == nil:
		return nil, failed(metric.ScanMalformed, "not a report of npm audit of npm 7 or newer")
	case doc.Metadata.Dependencies.Total != nil && *doc.Metadata.Dependencies.Total == 0:
		return nil, failed(metric.ScanOfNothing, "npm audit found no dependencies")
	}
	r := &report{}
	for _, v := range doc.Vulnerabilities {
		for _, via := range v.Via {
			var a npmAdvisory
			if json.Unmarshal(via, &a) != nil { // through another package, which is listed itself
				continue
			}
			r.findings = append(r.findings, finding{
				ID: a.id(), Package: a.Name, Severity: rating(a.Severity),
				Fixable: len(v.FixAvailable) > 0 && string(v.FixAvailable) != "false" && string(v.FixAvailable) != "null",
			})
		}
	}
	return r, nil
}
