package tenant

import (
	"net/http"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/expose"
)

func TestNegotiation(t *testing.T) {
	for accept, want := range map[string]expose.Format{
		"": expose.Text, "*/*": expose.Text, "text/html": expose.Text,
		// As Prometheus 3 asks, without and with native histograms.
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2":                                                                                                  expose.OpenMetrics,
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2": expose.Protobuf,
	} {
		h := http.Header{"Accept": {accept}}
		if format, got := negotiate(h); got != want {
			t.Errorf("%q: %d (%s), want %d", accept, got, format, want)
		}
	}
	for accept, want := range map[string]bool{"gzip": true, "gzip;q=0": false, "br, gzip;q=0.5": true, "": false, "zstd": false} {
		if acceptsGzip(accept) != want {
			t.Errorf("%q", accept)
		}
	}
}
