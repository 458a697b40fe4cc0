package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/dashboards/preview"
)

// Bounds of the server of the page. The write timeout leaves room for a slow query.
const (
	previewReadTimeout  = 10 * time.Second
	previewWriteTimeout = 90 * time.Second
	previewIdleTimeout  = 2 * time.Minute
	previewStopTime     = 5 * time.Second
	previewHeaderBytes  = 160 << 10 // a query may be in the URL
)

// previewFlags are the flags of the command preview.
type previewFlags struct {
	prometheus, http, listen, webConfig, dashboards *string
	hostnames                                       *[]string
}

func newPreview(app *kingpin.Application) (*kingpin.CmdClause, previewFlags) {
	c := app.Command("preview",
		"Show the dashboards in a browser without Grafana, with the alerts and rules of a Prometheus. It only reads.")
	return c, previewFlags{
		prometheus: c.Flag("prometheus", "URL of the Prometheus that evaluates the rules.").Required().String(),
		http: c.Flag("http.config.file", "How to reach it: basic_auth, authorization, oauth2, "+
			"tls_config and the rest of what promtool reads from a file of this name.").PlaceHolder("FILE").String(),
		listen: c.Flag("web.listen-address", "Address on which to serve the page. Anyone who reaches it can read all "+
			"samples of that Prometheus, so it is of this machine alone by default.").Default("127.0.0.1:10090").String(),
		webConfig: c.Flag("web.config.file", "TLS and passwords of the page, as in every exporter "+
			"(exporter-toolkit's web configuration).").PlaceHolder("FILE").String(),
		hostnames: c.Flag("web.hostname", "Name by which browsers address the page, beside localhost and IP addresses; "+
			"may be repeated. Other names are refused.").PlaceHolder("NAME").Strings(),
		dashboards: c.Flag("dashboards", "Show the *.json of this directory, read anew each time, "+
			"in place of what is generated from the policy.").PlaceHolder("DIR").String(),
	}
}

// run serves the page until a signal comes.
func (f previewFlags) run(p *config.Policy, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return f.serve(ctx, p, out, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}

// serve serves the page until the context ends.
func (f previewFlags) serve(ctx context.Context, p *config.Policy, out io.Writer, logger *slog.Logger) error {
	handler, options, err := f.handler(p)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *f.listen)
	if err != nil {
		return fmt.Errorf("--web.listen-address: %w", err)
	}
	warnIfOpen(logger, listener.Addr(), *f.webConfig)
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: previewReadTimeout, ReadTimeout: previewReadTimeout,
		WriteTimeout: previewWriteTimeout, IdleTimeout: previewIdleTimeout,
		MaxHeaderBytes: previewHeaderBytes,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	no := false
	flags := &web.FlagConfig{WebListenAddresses: &[]string{*f.listen}, WebSystemdSocket: &no, WebConfigFile: f.webConfig}
	go func() { served <- web.Serve(listener, server, flags, logger) }()
	scheme := "http"
	if *f.webConfig != "" {
		scheme = "http(s)"
	}
	go warnWithoutRules(ctx, logger, options)
	fmt.Fprintf(out, "open %s://%s/   Ctrl-C stops it\n", scheme, listener.Addr())
	select {
	case err := <-served:
		return fmt.Errorf("--web.config.file: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), previewStopTime)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		_ = server.Close() // what still runs is a query that no page waits for
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (f previewFlags) handler(p *config.Policy) (http.Handler, preview.Options, error) {
	o, err := f.options(p)
	if err != nil {
		return nil, o, err
	}
	handler, err := preview.Handler(o)
	if err != nil {
		return nil, o, fmt.Errorf("--prometheus: %w", err)
	}
	return handler, o, nil
}

// options reads the flags.
func (f previewFlags) options(p *config.Policy) (preview.Options, error) {
	at, err := url.Parse(*f.prometheus)
	if err != nil {
		return preview.Options{}, errors.New("--prometheus: invalid URL: write it like http://prometheus:9090")
	}
	o := preview.Options{Prometheus: at, Hosts: *f.hostnames, Version: version.Version}
	if host, _, err := net.SplitHostPort(*f.listen); err == nil && host != "" {
		o.Hosts = append(o.Hosts, host)
	}
	if *f.http != "" {
		how, _, err := promconfig.LoadHTTPConfigFile(*f.http)
		if err != nil {
			return o, fmt.Errorf("--http.config.file: %w", err)
		}
		if o.Transport, err = promconfig.NewRoundTripperFromConfig(*how, "preview"); err != nil {
			return o, fmt.Errorf("--http.config.file: %w", err)
		}
	}
	o.Dashboards = preview.Directory(*f.dashboards)
	if *f.dashboards == "" {
		files, err := dashboards.Build(p)
		if err != nil {
			return o, err
		}
		o.Dashboards = func() (map[string][]byte, error) { return files, nil }
	}
	if _, err := o.Dashboards(); err != nil {
		return o, fmt.Errorf("--dashboards: %w", err)
	}
	return o, nil
}

// warnIfOpen warns where other machines reach the page.
func warnIfOpen(logger *slog.Logger, at net.Addr, webConfig string) {
	address, err := netip.ParseAddrPort(at.String())
	if err != nil || address.Addr().Unmap().IsLoopback() || webConfig != "" {
		return
	}
	logger.Warn("Anyone who reaches this address can read every sample, label and rule of the Prometheus, "+
		"without a password. Listen on 127.0.0.1, or ask for one in --web.config.file.", "address", at.String())
}
