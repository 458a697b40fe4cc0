package health

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/metric"
)

// withSecrets returns the request with the name of its check, which other checks of the module do not have, and its
// secret headers as they are now: a secret that is rotated between two probes is the new one in the second.
func (r request) withSecrets(ctx context.Context) (request, error) {
	if r.check == "" || r.module.Prober != "http" {
		return r, nil
	}
	module := *r.module
	module.HTTP.Headers = maps.Clone(module.HTTP.Headers)
	if !hasHeader(module.HTTP.Headers, HeaderProbe) { // the module's author may call it otherwise
		module.HTTP.Headers[HeaderProbe] = r.check
	}
	for name, ref := range r.secrets {
		value, err := ref.Line(ctx)
		if err != nil {
			return r, err
		}
		module.HTTP.Headers[http.CanonicalHeaderKey(name)] = value
	}
	r.module = &module
	return r, nil
}

// withoutSecret is the result of a probe whose secret cannot be read. It is the exporter's trouble, not the target's.
func withoutSecret(err error, debug bool) *measured {
	m := &measured{registry: prometheus.NewRegistry(), log: newCapture(debug)}
	slog.New(m.log).Error("Reading a secret header failed", "err", err)
	m.start = time.Now()
	m.end, m.result, m.reason = m.start, metric.ResultUnknown, reasonProberError
	return m
}
