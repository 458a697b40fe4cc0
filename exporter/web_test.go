package exporter

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// keyPair writes a certificate for 127.0.0.1 that signs itself, and its key.
func keyPair(t *testing.T, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	certificate, key := selfSigned(t, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	testkit.WriteFile(t, certFile, certificate)
	testkit.WriteFile(t, keyFile, key)
	return certFile, keyFile, pool
}

// selfSigned makes a certificate of an hour that signs itself, and its key.
func selfSigned(t *testing.T, template *x509.Certificate) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}

// Every page wants the password over TLS that --web.config.file asks for.
func TestWebConfigurationIsObeyed(t *testing.T) {
	dir := t.TempDir()
	cert, key, pool := keyPair(t, dir)
	config, no := filepath.Join(dir, "web.yml"), false
	const hash = "$2a$04$zbuct2t6bFRknZm2R1SquOEBunbs9v.WHYRcg5v/Wn3iJ3ZmAFBnS" // bcrypt of "correct horse"
	text := fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}\nbasic_auth_users: {prometheus: %q}\n", cert,
		key, hash)
	testkit.WriteFile(t, config, text)
	address := testkit.FreeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopped := make(chan error, 1)
	go func() {
		stopped <- Run(ctx, Options{
			Logger: quiet(), Load: newPolicyFile(t, "http://127.0.0.1:1").load,
			Collectors: map[string]bool{health.Definition.Name: true},
			Web:        &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: &no, WebConfigFile: &config},
		})
	}()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	code := func(page, password string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+page, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("prometheus", password)
		resp, err := client.Do(req)
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	testkit.Eventually(t, func() bool { return code("/-/ready", "correct horse") == http.StatusOK }, "it is ready")
	for _, page := range []string{"/", "/metrics", "/status", "/probe", "/-/healthy", "/-/ready"} {
		if got := code(page, "wrong"); got != http.StatusUnauthorized {
			t.Errorf("%s with a wrong password: %d", page, got)
		}
	}
	if got := code("/metrics", "correct horse"); got != http.StatusOK {
		t.Errorf("the right password: %d", got)
	}
	if resp, err := http.Get("http://" + address + "/metrics"); err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Error("it answers without TLS")
		}
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
