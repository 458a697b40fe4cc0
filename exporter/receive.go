package exporter

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// Bounds of the receiving server, which may face the internet: a post of the largest size takes a while.
const (
	receiveTimeout     = time.Minute
	receiveHeaderBytes = 16 << 10
)

// ReceiveFlags are where logs, pings and events are received, nil for nowhere: a listener with a web configuration of
// its own and nothing on it but the receivers.
func ReceiveFlags(address, configFile string) *web.FlagConfig {
	if address == "" {
		return nil
	}
	socket := false
	return &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: &socket, WebConfigFile: &configFile}
}

// receiver returns the receiving server, nil if there is nothing to receive.
func (e *exporter) receiver() *http.Server {
	if e.Receive == nil || e.tenants == nil && e.procedures == nil && e.events == nil &&
		e.deliveries == nil {
		return nil
	}
	mux := http.NewServeMux()
	if e.tenants != nil {
		mux.Handle("/", e.tenants.Receivers())
	}
	if e.procedures != nil {
		mux.Handle("/ping/", e.procedures.Pings())
		mux.Handle("/api/v1/endpoints/", e.procedures.Pings())
	}
	if e.events != nil {
		mux.Handle("/api/v1/receive/alertmanager", e.events.Events())
		mux.Handle("POST /api/v1/incidents/{id}/write-up", e.events.WriteUps())
	}
	if e.deliveries != nil {
		mux.Handle("/api/v1/receive/delivery/", e.deliveries.Deliveries())
	}
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       receiveTimeout,
		WriteTimeout:      2 * receiveTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    receiveHeaderBytes,
		ErrorLog:          slog.NewLogLogger(e.Logger.Handler(), slog.LevelDebug), // anyone can cause these
	}
}
