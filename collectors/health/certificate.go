package health

import (
	"crypto/tls"
	"crypto/x509"
)

// judgedCertificate returns the certificate that decides until when a connection is trusted: of the chains that were verified
// the one that lasts longest, of it the first to expire. What a server sends besides, such as an expired cross-signed
// certificate, hurts no client. Without verification it is the server's own. The state has peer certificates.
func judgedCertificate(state *tls.ConnectionState) *x509.Certificate {
	var judged *x509.Certificate
	for _, chain := range state.VerifiedChains {
		first := chain[0]
		for _, c := range chain {
			if c.NotAfter.Before(first.NotAfter) {
				first = c
			}
		}
		if judged == nil || judged.NotAfter.Before(first.NotAfter) {
			judged = first
		}
	}
	if judged == nil {
		judged = state.PeerCertificates[0]
	}
	return judged
}
