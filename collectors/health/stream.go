package health

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptrace"
	"time"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"github.com/prometheus/client_golang/prometheus"
	pconfig "github.com/prometheus/common/config"
)

// stream is what the tcp and the unix prober have in common.
type stream struct {
	dialogue   []bbconfig.QueryResponse
	tls        pconfig.TLSConfig
	secure     bool
	conn       net.Conn
	scanner    *bufio.Scanner
	registry   *prometheus.Registry
	logger     *slog.Logger
	regexpFail prometheus.Gauge
	bytesFail  prometheus.Gauge
}

// probeStream connects by TCP or to a UNIX socket and holds the module's dialogue. The blackbox_exporter's own probers
// (v0.28.0) do not watch their context in a TLS handshake and show neither when they have connected nor the
// certificates that were verified. Module grammar, metric names and meaning are its own.
func probeStream(ctx context.Context, target string, module bbconfig.Module, registry *prometheus.Registry,
	logger *slog.Logger,
) bool {
	s := &stream{
		dialogue: module.TCP.QueryResponse, tls: module.TCP.TLSConfig, secure: module.TCP.TLS,
		registry: registry, logger: logger,
	}
	dialer, network := &net.Dialer{}, "tcp"
	if module.Prober == "unix" {
		s.dialogue, s.tls, s.secure, network = module.Unix.QueryResponse, module.Unix.TLSConfig, module.Unix.TLS, "unix"
	} else {
		host, _, err := net.SplitHostPort(target)
		if err != nil {
			logger.Error("Error splitting target address and port", "err", err)
			return false
		}
		registerAddress(registry, host)
		if s.tls.ServerName == "" {
			s.tls.ServerName = host
		}
		if source := module.TCP.SourceIPAddress; source != "" {
			ip := net.ParseIP(source)
			if ip == nil {
				logger.Error("Error parsing source ip address", "srcIP", source)
				return false
			}
			dialer.LocalAddr = &net.TCPAddr{IP: ip}
		}
	}
	conn, err := dialer.DialContext(ctx, network, target)
	if err != nil {
		logger.Error("Error dialing", "prober", module.Prober, "err", err)
		return false
	}
	defer func() { _ = s.conn.Close() }()
	s.conn = conn
	logger.Debug("Successfully dialed", "address", target)
	// The deadline, and whatever else ends the probe, ends what waits for the connection.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if s.secure && !s.handshake(ctx) {
		return false
	}
	return s.talk(ctx)
}

// handshake puts TLS over the connection.
func (s *stream) handshake(ctx context.Context) bool {
	config, err := pconfig.NewTLSConfig(&s.tls)
	if err != nil {
		s.logger.Error("Error creating TLS configuration", "err", err)
		return false
	}
	conn := tls.Client(s.conn, config)
	err = conn.HandshakeContext(ctx)
	state := conn.ConnectionState()
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(state, err)
	}
	if err != nil {
		s.logger.Error("TLS Handshake (client) failed", "err", err)
		return false
	}
	s.conn, s.scanner = conn, nil
	registerTLS(s.registry, &state)
	return true
}

// talk holds the dialogue: what is expected, then what is sent, entry by entry.
func (s *stream) talk(ctx context.Context) bool {
	s.regexpFail = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_failed_due_to_regex",
		Help: "Indicates if probe failed due to regex",
	})
	s.bytesFail = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_failed_due_to_bytes",
		Help: "Indicates if probe failed due to bytes",
	})
	s.registry.MustRegister(s.regexpFail, s.bytesFail)
	for i, entry := range s.dialogue {
		s.logger.Debug("Processing query response entry", "entry_number", i)
		send := entry.Send
		if entry.Expect.Regexp != nil {
			line, match := s.expect(entry)
			if match == nil {
				return false
			}
			send = string(entry.Expect.Expand(nil, []byte(send), line, match))
			if entry.Labels != nil {
				registerMatch(s.registry, entry, line, match)
			}
		}
		if entry.ExpectBytes != "" && !s.expectBytes([]byte(entry.ExpectBytes)) {
			return false
		}
		if send != "" {
			s.logger.Debug("Sending line", "line", send)
			if _, err := fmt.Fprintf(s.conn, "%s\n", send); err != nil {
				s.logger.Error("Failed to send", "err", err)
				return false
			}
		}
		if entry.StartTLS && !s.handshake(ctx) {
			return false
		}
	}
	return true
}

// expect reads lines until one matches.
func (s *stream) expect(entry bbconfig.QueryResponse) (line []byte, match []int) {
	if s.scanner == nil {
		s.scanner = bufio.NewScanner(s.conn)
	}
	for s.scanner.Scan() {
		line = s.scanner.Bytes()
		s.logger.Debug("Read line", "line", string(line))
		if match = entry.Expect.FindSubmatchIndex(line); match != nil {
			s.regexpFail.Set(0)
			return line, match
		}
	}
	if err := s.scanner.Err(); err != nil {
		s.logger.Error("Error reading from connection", "err", err)
		return nil, nil
	}
	s.regexpFail.Set(1)
	s.logger.Error("Regexp did not match", "regexp", entry.Expect.String(), "line", string(line))
	return nil, nil
}

// expectBytes reads as many bytes as are wanted, with one read as the blackbox_exporter does.
func (s *stream) expectBytes(want []byte) bool {
	data := make([]byte, len(want))
	n, err := s.conn.Read(data)
	switch {
	case err != nil:
		s.logger.Error("Error reading from connection", "err", err)
		return false
	case n < len(want):
		s.logger.Error("Read less data than expected", "bytes", data)
		return false
	case !bytes.Equal(want, data):
		s.bytesFail.Set(1)
		s.logger.Error("Bytes did not match", "bytes", data)
		return false
	}
	s.bytesFail.Set(0)
	return true
}

// registerMatch exposes what an entry takes out of a line.
func registerMatch(registry *prometheus.Registry, entry bbconfig.QueryResponse, line []byte, match []int) {
	var names, values []string
	for _, l := range entry.Labels {
		names = append(names, l.Name)
		values = append(values, string(entry.Expect.Expand(nil, []byte(l.Value), line, match)))
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "probe_expect_info", Help: "Explicit content matched"},
		names)
	registry.MustRegister(info)
	info.WithLabelValues(values...).Set(1)
}
