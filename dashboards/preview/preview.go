// Package preview shows Grafana dashboards in a browser without Grafana: a page that is embedded in the program, and
// read-only access to one Prometheus. It draws what the dashboards of this bundle contain and names what it cannot
// draw. Nothing is edited, nothing is stored.
package preview

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed web
var embedded embed.FS

// web is the page: index.html, style sheets, modules, and what is vendored.
var web = func() fs.FS {
	sub, err := fs.Sub(embedded, "web")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}()

// Options say what to show and from where.
type Options struct {
	// Prometheus is the URL below which its API is, without credentials.
	Prometheus *url.URL
	// Transport reaches Prometheus, with whatever authentication it wants; http.DefaultTransport if nil.
	Transport http.RoundTripper
	// Dashboards returns classic dashboards as JSON by file name. It is called for each list of them.
	Dashboards func() (map[string][]byte, error)
	// Hosts are the names, without a port, by which browsers may address the page, beside localhost and IP addresses.
	Hosts []string
	// Version is shown on the page.
	Version string
}

// Handler serves the page, the dashboards and the part of Prometheus' API that reads.
func Handler(o Options) (http.Handler, error) {
	if err := checkURL(o.Prometheus); err != nil {
		return nil, err
	}
	files, err := pageFiles()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	page := files.serve("index.html")
	for _, path := range []string{"/{$}", "/d/{uid}", "/d/{uid}/{slug}", "/alerts"} {
		mux.Handle("GET "+path, page)
	}
	for name := range files {
		mux.Handle("GET /assets/"+name, files.serve(name))
	}
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "thorbis_mixin preview is healthy.")
	})
	mux.Handle("GET /api/preview", o.about())
	mux.Handle("GET /api/dashboards", o.list())
	mux.Handle("GET /api/dashboards/{uid}", o.dashboard())
	mux.Handle("/prometheus/", newProxy(o.Prometheus, o.Transport))
	return checkHost(o.Hosts, headers(mux)), nil
}

// CheckURL returns an error unless the URL is one of a Prometheus.
func checkURL(u *url.URL) error {
	switch {
	case u == nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("invalid URL %q: write it like http://prometheus:9090", redacted(u))
	case u.User != nil:
		return fmt.Errorf("invalid URL %q: write credentials into the file of --http.config.file", redacted(u))
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("invalid URL %q: write it without ? and #", redacted(u))
	}
	return nil
}

// redacted is a URL without what may be secret.
func redacted(u *url.URL) string {
	if u == nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, Opaque: u.Opaque}).String()
}

// contentSecurity lets the page load only what the program serves, and run no script that is not a file of it.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurity)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// file is an embedded file and the hash of its content, by which a browser knows that it has it.
type file struct {
	text, tag string
	kind      string
}

type files map[string]file

// kinds are the content types by extension; others are not served.
var kinds = map[string]string{
	"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
	"woff2": "font/woff2", "svg": "image/svg+xml", "LICENSE": "text/plain; charset=utf-8",
}

func pageFiles() (files, error) {
	all := files{}
	err := fs.WalkDir(web, ".", func(name string, d fs.DirEntry, err error) error {
		kind := kinds[name[strings.LastIndex(name, ".")+1:]]
		if err != nil || d.IsDir() || kind == "" {
			return err
		}
		text, err := fs.ReadFile(web, name)
		sum := sha256.Sum256(text)
		all[name] = file{text: string(text), kind: kind, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
		return err
	})
	return all, err
}

func (f files) serve(name string) http.Handler {
	content := f[name]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", content.kind)
		w.Header().Set("Cache-Control", "no-cache") // ask each time, by tag
		w.Header().Set("ETag", content.tag)
		if slices.Contains(strings.Split(r.Header.Get("If-None-Match"), ", "), content.tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(content.text))
	})
}

// about says which program this is, and of which Prometheus.
func (o Options) about() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"version": o.Version, "prometheus": redacted(o.Prometheus)})
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}
