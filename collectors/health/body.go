package health

import (
	"errors"
	"net/http"

	"github.com/thorbis/thorbis_exporter/metric"
)

// enoughOfBody is how much is read of a body that a module neither looks into nor limits: so much shows that the
// service sends it. What is longer is not read to its end and is no failure.
const enoughOfBody = 1 << 20

// readEnough reports whether a probe failed for nothing but a body longer than enoughOfBody, and evaluates it again if
// so. The prober (v0.28.0, prober/http.go) goes on after that failure, with one exception: it does not look whether TLS
// was wanted.
func (r request) readEnough(m *measured) {
	if !r.enough || m.result != metric.ResultFailure {
		return
	}
	rest := make([]record, 0, len(*m.log.records))
	cut := false
	for _, record := range *m.log.records {
		if record.err != nil && errors.As(record.err, new(*http.MaxBytesError)) {
			cut = true
			continue
		}
		rest = append(rest, record)
	}
	if !cut {
		return
	}
	for _, record := range rest {
		if record.complains() {
			m.result, m.reason = classify("http", rest, false)
			return
		}
	}
	if r.module.HTTP.FailIfNotSSL && !m.secure {
		m.reason = reasonTLS
		return
	}
	m.result, m.reason = metric.ResultSuccess, ""
}
