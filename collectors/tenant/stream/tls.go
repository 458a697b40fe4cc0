package stream

import (
	"crypto/tls"

	promconfig "github.com/prometheus/common/config"

	"github.com/thorbis/thorbis_exporter/config"
)

// tlsOf makes the configuration of a client. Certificates are read again for each connection.
func tlsOf(t *config.ClientTLS) (*tls.Config, error) {
	return promconfig.NewTLSConfig(&promconfig.TLSConfig{
		CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify,
	})
}
