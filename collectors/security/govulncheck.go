package security

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/thorbis/thorbis_exporter/metric"
)

// govulncheckMessage is a message of govulncheck's stream (internal/govulncheck/govulncheck.go).
type govulncheckMessage struct {
	Config *struct {
		ScanLevel string `json:"scan_level"`
	} `json:"config"`
	Progress *struct {
		Time string `json:"time"`
	} `json:"progress"`
	OSV *struct {
		ID      string   `json:"id"`
		Aliases []string `json:"aliases"`
	} `json:"osv"`
	Finding *struct {
		OSV          string `json:"osv"`
		FixedVersion string `json:"fixed_version"`
		Trace        []struct {
			Module   string `json:"module"`
			Version  string `json:"version"`
			Function string `json:"function"`
		} `json:"trace"`
	} `json:"finding"`
}

// parseGovulncheck reads the stream of govulncheck -format json. A vulnerability has a finding for each level at which
// it was found; one whose code is not called is suppressed where calls were looked for, as in the program's own text.
// Entries of the database are listed for any version of a module, and are not findings.
func parseGovulncheck(text []byte) (*report, error) {
	r := &report{}
	at, aliases := map[string]int{}, map[string][]string{}
	configured, calls := false, false
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		var m govulncheckMessage
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, failed(metric.ScanMalformed, "invalid JSON: %w", err)
		}
		switch {
		case m.Config != nil:
			configured, calls = true, m.Config.ScanLevel == "symbol"
		case m.Progress != nil && r.scanned.IsZero():
			r.scanned = moment(m.Progress.Time)
		case m.OSV != nil:
			aliases[m.OSV.ID] = m.OSV.Aliases
		case m.Finding != nil && len(m.Finding.Trace) > 0:
			at0 := m.Finding.Trace[0]
			f := finding{
				ID: m.Finding.OSV, Package: at0.Module, Version: at0.Version, Severity: metric.FindingUnknown,
				Fixable: m.Finding.FixedVersion != "", suppressed: calls && at0.Function == "",
			}
			i, known := at[f.key()]
			if !known {
				at[f.key()] = len(r.findings)
				r.findings = append(r.findings, f)
				continue
			}
			r.findings[i].suppressed = r.findings[i].suppressed && f.suppressed
		}
	}
	if !configured {
		return nil, failed(metric.ScanMalformed, "not govulncheck's JSON: it has no config")
	}
	for i := range r.findings {
		r.findings[i].aliases = slices.Clone(aliases[r.findings[i].ID])
	}
	return r, nil
}
