package exporter

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// streamRotation rotates a secret of a source that is a stream: each connection reads it again. serve listens where the
// policy says SERVER.
func streamRotation(source string, serve func(*testing.T, *used) string) rotation {
	return rotation{
		policy: `tenants: {host: "{tenant}.example.com", sources: [{app_service: web, format: envoy, ` + source + `}]}`,
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			address := serve(t, u)
			var open func() (stream.Engine, error)
			if s := p.Tenants.Sources[0]; s.Kafka != nil {
				s.Kafka.Brokers = []string{address}
				open = func() (stream.Engine, error) { return stream.Kafka(s.Kafka, "", quiet())(t.Context()) }
			} else {
				s.NATS.URL = "nats://" + address
				open = func() (stream.Engine, error) { return stream.NATS(s.NATS, "")(t.Context()) }
			}
			return func() {
				bundle(t, u)
				if engine, err := open(); err == nil {
					asking, cancel := context.WithTimeout(t.Context(), time.Second)
					_, _ = engine.Layout(asking)
					cancel()
					engine.Close()
				}
			}
		},
	}
}

// forwardRotation rotates a secret of a stream to which a receiver appends.
func forwardRotation(forward string, serve func(*testing.T, *used) string) rotation {
	return rotation{
		policy: `tenants: {host: "{tenant}.example.com", sources: [{receive: vercel, app_service: web, secret_file: other, ` +
			`forward: {` + forward + `}}]}`,
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			address := serve(t, u)
			return func() {
				bundle(t, u)
				var w stream.Writer
				if f := p.Tenants.Sources[0].Forward; f.Kafka != nil {
					f.Kafka.Brokers = []string{address}
					w = stream.KafkaWriter(f.Kafka)
				} else {
					f.NATS.URL = "nats://" + address
					w = stream.NATSWriter(f.NATS)
				}
				asking, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, _ = w.Partitions(asking)
				_ = w.Write(asking, []stream.Outgoing{{Value: []byte("x")}})
				w.Close()
			}
		},
	}
}

// plainKafka is a cluster that sees the passwords of SASL's PLAIN.
func plainKafka(t *testing.T, u *used) string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "another"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		u.see(string(r.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes))
		return nil, nil, false
	})
	return cluster.ListenAddrs()[0]
}

// fakeNATS greets clients like a server of NATS, and sees how they answer.
func fakeNATS(encrypted bool) func(*testing.T, *used) string {
	return func(t *testing.T, u *used) string {
		t.Helper()
		return listen(t, func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "INFO {\"server_id\":\"x\",\"version\":\"2.10.0\",\"proto\":1,\"max_payload\":1048576,"+
				"\"nonce\":\"abc\",\"headers\":true,\"tls_required\":%t}\r\n", encrypted)
			if encrypted {
				seeCertificate(t, u, conn)
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			u.see(line)
		})
	}
}

// tlsKafka sees the certificates of clients.
func tlsKafka(t *testing.T, u *used) string {
	t.Helper()
	return listen(t, func(conn net.Conn) { seeCertificate(t, u, conn) })
}

func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func seeCertificate(t *testing.T, u *used, conn net.Conn) {
	own, err := tls.X509KeyPair(pair(t, "server"))
	if err != nil {
		t.Error(err)
		return
	}
	server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert})
	if server.Handshake() == nil {
		u.see(server.ConnectionState().PeerCertificates[0].Subject.CommonName)
	}
	_, _ = io.CopyN(io.Discard, server, 1)
}

// bundle writes the files that tests name: a certificate for the secret as it is now with its key, and credentials.
func bundle(t *testing.T, u *used) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(u.dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	name := string(bytes.TrimSpace(text))
	certificate, key := pair(t, name)
	testkit.WriteFile(t, filepath.Join(u.dir, "pair.pem"), append(certificate, key...))
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, filepath.Join(u.dir, "credentials"), fmt.Sprintf("-----BEGIN NATS USER JWT-----\n%s\n"+
		"------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n", name, seed))
}

// pair makes a certificate of a name, and its key.
func pair(t *testing.T, name string) (certificate, key []byte) {
	return selfSigned(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}})
}
