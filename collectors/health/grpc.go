package health

import (
	"context"
	"log/slog"
	"net"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"github.com/prometheus/client_golang/prometheus"
	pconfig "github.com/prometheus/common/config"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// probeGRPC asks the standard health service of gRPC. The blackbox_exporter's own prober (v0.28.0) makes the
// call with context.Background(), so that a server that accepts it and stays silent is waited for without end.
// Module grammar, metric names and meaning are its own.
func probeGRPC(ctx context.Context, target string, module bbconfig.Module, registry *prometheus.Registry,
	logger *slog.Logger,
) bool {
	phases := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "probe_grpc_duration_seconds",
		Help: "Duration of gRPC request by phase",
	}, []string{"phase"})
	secure := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_grpc_ssl",
		Help: "Indicates if SSL was used for the connection",
	})
	code := prometheus.NewGauge(prometheus.GaugeOpts{Name: "probe_grpc_status_code", Help: "Response gRPC status code"})
	serving := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "probe_grpc_healthcheck_response",
		Help: "Response HealthCheck response",
	}, []string{"serving_status"})
	registry.MustRegister(phases, secure, code, serving)
	phases.WithLabelValues(phaseResolve)

	host, address, err := grpcAddress(target, module.GRPC.TLS)
	if err != nil {
		logger.Error("Could not parse target URL", "err", err)
		return false
	}
	registerAddress(registry, host)
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil {
		trace = &httptrace.ClientTrace{}
	}
	transport := insecure.NewCredentials()
	var options []grpc.DialOption
	if name := module.GRPC.TLSConfig.ServerName; name != "" && !module.GRPC.TLS {
		// The connection goes to an address; proxies choose by the name.
		_, port, _ := net.SplitHostPort(address)
		options = append(options, grpc.WithAuthority(net.JoinHostPort(name, port)))
	}
	if module.GRPC.TLS {
		config, err := pconfig.NewTLSConfig(&module.GRPC.TLSConfig)
		if err != nil {
			logger.Error("Error creating TLS configuration", "err", err)
			return false
		}
		if config.ServerName == "" {
			config.ServerName = host
		}
		transport = credentials.NewTLS(config)
	}
	// Only the connection's own error distinguishes refused from unresolved; gRPC passes on its text only.
	var dialErr atomic.Pointer[error]
	conn, err := grpc.NewClient("passthrough:///"+address, append(options, grpc.WithTransportCredentials(transport),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network(module.GRPC), address)
			if err != nil {
				dialErr.Store(&err)
			}
			if trace.ConnectDone != nil {
				trace.ConnectDone("tcp", address, err)
			}
			return c, err
		}))...)
	if err != nil {
		logger.Error("did not connect", "err", err)
		return false
	}
	defer func() { _ = conn.Close() }()
	for _, name := range grpc_health_v1.HealthCheckResponse_ServingStatus_name {
		serving.WithLabelValues(name)
	}
	start := time.Now()
	var from peer.Peer
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(metadata.NewOutgoingContext(ctx, module.GRPC.Metadata),
		&grpc_health_v1.HealthCheckRequest{Service: module.GRPC.Service}, grpc.Peer(&from))
	phases.WithLabelValues("check").Set(time.Since(start).Seconds())
	code.Set(float64(status.Code(err)))
	if tls, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(tls.State.PeerCertificates) > 0 {
		secure.Set(1)
		registerTLS(registry, &tls.State)
		if trace.TLSHandshakeDone != nil {
			trace.TLSHandshakeDone(tls.State, nil)
		}
	}
	if err != nil {
		if cause := dialErr.Load(); cause != nil {
			err = *cause
		}
		logger.Error("can't connect grpc server:", "err", err)
		return false
	}
	serving.WithLabelValues(answer.GetStatus().String()).Set(1)
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		logger.Error("the grpc server does not serve", "status", answer.GetStatus().String())
		return false
	}
	return true
}

func grpcAddress(target string, secure bool) (host, address string, err error) {
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		rest = target
	}
	rest, _, _ = strings.Cut(rest, "/")
	host, port, err := net.SplitHostPort(rest)
	if err == nil {
		return host, net.JoinHostPort(host, port), nil
	}
	host = strings.Trim(rest, "[]")
	if host == "" {
		return "", "", err
	}
	if secure {
		return host, net.JoinHostPort(host, "443"), nil
	}
	return host, net.JoinHostPort(host, "80"), nil
}

// network is the family that the module prefers, where it allows no other.
func network(g bbconfig.GRPCProbe) string {
	switch {
	case g.IPProtocolFallback:
		return "tcp"
	case g.PreferredIPProtocol == "ip4":
		return "tcp4"
	}
	return "tcp6"
}
