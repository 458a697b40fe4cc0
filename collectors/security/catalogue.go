package security

import "github.com/thorbis/thorbis_exporter/metric"

// catalogueDocument is the part of CISA's catalogue of known exploited vulnerabilities that is read.
type catalogueDocument struct {
	Version         string `json:"catalogVersion"`
	Vulnerabilities []struct {
		CVE string `json:"cveID"`
	} `json:"vulnerabilities"`
}

// parseCatalogue returns the vulnerabilities that are known to be exploited.
func parseCatalogue(text []byte) (map[string]bool, error) {
	var doc catalogueDocument
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	if doc.Version == "" || len(doc.Vulnerabilities) == 0 {
		return nil, failed(metric.ScanMalformed, "not CISA's catalogue of known exploited vulnerabilities")
	}
	known := make(map[string]bool, len(doc.Vulnerabilities))
	for _, v := range doc.Vulnerabilities {
		known[v.CVE] = true
	}
	return known, nil
}
