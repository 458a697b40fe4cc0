package security

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of a report.
const (
	maxReport   = 64 << 20
	maxFindings = 20_000
	// maxText bounds the parts of a finding, in bytes.
	maxText = 512
)

// report is what a scanner reports of one scan.
type report struct {
	// scanned is when, zero where the format does not say.
	scanned  time.Time
	findings []finding
	// hidden is how many findings the scanner has left out without naming them.
	hidden int
}

// failedScan is why a report is none of a scan that succeeded.
type failedScan struct {
	state string // of metric.ScanStates
	err   error
}

func (e *failedScan) Error() string { return e.err.Error() }
func (e *failedScan) Unwrap() error { return e.err }

func failed(state, format string, args ...any) error {
	return &failedScan{state, fmt.Errorf(format, args...)}
}

// parsers by format.
var parsers = map[string]func(text []byte) (*report, error){
	config.ScanTrivy: parseTrivy, config.ScanGrype: parseGrype, config.ScanOSV: parseOSV,
	config.ScanGovulncheck: parseGovulncheck, config.ScanNPM: parseNPM, config.ScanSARIF: parseSARIF,
	config.ScanDependabot: parseDependabot, config.ScanCodeAlerts: parseCodeAlerts,
}

// parse reads a report. An error is a *failedScan: an empty or broken report is a scan that failed, never one without
// findings.
func parse(format string, text []byte) (*report, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, failed(metric.ScanEmpty, "the report is empty")
	}
	if format == config.ScanAuto {
		if format = formatOf(text); format == "" {
			return nil, failed(metric.ScanMalformed, "not a report that is known, or cut off: write its format in the policy")
		}
	}
	r, err := parsers[format](text)
	if err != nil {
		return nil, err
	}
	if len(r.findings) > maxFindings {
		return nil, failed(metric.ScanMalformed, "too many findings (%d): at most %d are read", len(r.findings), maxFindings)
	}
	for i := range r.findings {
		f := &r.findings[i]
		if f.ID == "" {
			return nil, failed(metric.ScanMalformed, "a finding without an ID")
		}
		f.ID, f.Package, f.Version = bounded(f.ID), bounded(f.Package), bounded(f.Version)
	}
	return r, nil
}

func bounded(text string) string { return text[:min(len(text), maxText)] }

// formatOf returns the format of a report by the keys at its top; empty if it has those of none.
func formatOf(text []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var top json.RawMessage
	if decoder.Decode(&top) != nil {
		return ""
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(top, &list) == nil && list != nil {
		return formatOfAlerts(list)
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(top, &keys) != nil {
		return ""
	}
	has := func(all ...string) bool {
		for _, key := range all {
			if keys[key] == nil {
				return false
			}
		}
		return true
	}
	switch {
	case has("SchemaVersion", "ArtifactName"):
		return config.ScanTrivy
	case has("matches", "descriptor"):
		return config.ScanGrype
	case has("runs", "version"):
		return config.ScanSARIF
	case has("results", "experimental_config"), has("results") && !has("runs"):
		return config.ScanOSV
	case has("auditReportVersion"), has("message", "method", "uri"):
		return config.ScanNPM
	case has("config"), has("progress"), has("SBOM"):
		return config.ScanGovulncheck
	}
	return ""
}

// formatOfAlerts returns which of GitHub's lists of alerts it is. An empty list may be either: both are without
// findings.
func formatOfAlerts(list []map[string]json.RawMessage) string {
	if len(list) > 0 && list[0]["rule"] != nil {
		return config.ScanCodeAlerts
	}
	if len(list) == 0 || list[0]["security_advisory"] != nil {
		return config.ScanDependabot
	}
	return ""
}

// decode reads the JSON of a report.
func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return failed(metric.ScanMalformed, "invalid JSON: %w", err)
	}
	return nil
}

// moment returns a time as RFC 3339 writes it, zero if it is not one.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
