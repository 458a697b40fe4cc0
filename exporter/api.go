package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// apiPath is below which the HTTP API is. It is versioned: what clients read is not renamed within a version.
const apiPath = "/api/v1/"

// maxAPIRequests bounds the answers that are made at the same time, each of which may take some megabytes.
const maxAPIRequests = 8

// Kinds of errors beside those of collectors.
const (
	apiInternal   = "internal"
	apiNotAllowed = "method_not_allowed"
)

// apiAnswer is the form of every answer, that of Prometheus' own HTTP API.
type apiAnswer struct {
	Status    string `json:"status"` // success or error
	Data      any    `json:"data,omitempty"`
	ErrorType string `json:"errorType,omitempty"`
	Error     string `json:"error,omitempty"`
}

// api serves the HTTP API: the status, the endpoints of each collector, and an error in JSON for any other path.
func (e *exporter) api(mux *http.ServeMux) {
	places := make(chan struct{}, maxAPIRequests)
	endpoints := []collectors.Endpoint{e.statusEndpoint()}
	for _, c := range e.collectors {
		if more, ok := c.Collector.(collectors.Endpoints); ok {
			endpoints = append(endpoints, more.Endpoints()...)
		}
	}
	var paths []string
	for _, endpoint := range endpoints {
		paths = append(paths, apiPath+endpoint.Path)
		mux.Handle("GET "+apiPath+endpoint.Path, e.endpoint(endpoint.Answer, places))
	}
	mux.HandleFunc(apiPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			e.answer(w, http.StatusMethodNotAllowed, apiAnswer{ErrorType: apiNotAllowed, Error: "the API is read by GET"})
			return
		}
		e.refuse(w, r, collectors.NotFound("unknown path %q: there are %s", r.URL.Path, strings.Join(paths, ", ")))
	})
}

// endpoint serves one resource.
func (e *exporter) endpoint(answer func(*http.Request) (any, error), places chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			e.refuse(w, r, &collectors.RequestError{
				Kind: collectors.RequestUnavailable,
				Err:  fmt.Errorf("%d requests are being answered already: ask again later", maxAPIRequests),
			})
			return
		}
		var data any
		err := collectors.Guard(func() (err error) {
			data, err = answer(r)
			return err
		})
		if err != nil {
			e.refuse(w, r, err)
			return
		}
		e.answer(w, http.StatusOK, apiAnswer{Data: data})
	})
}

// refuse answers with an error. The text of one that is not the client's stays in the log.
func (e *exporter) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if refused, ok := errors.AsType[*collectors.RequestError](err); ok {
		code := http.StatusBadRequest
		switch refused.Kind {
		case collectors.RequestNotFound:
			code = http.StatusNotFound
		case collectors.RequestUnavailable:
			code = http.StatusServiceUnavailable
		}
		e.answer(w, code, apiAnswer{ErrorType: refused.Kind, Error: refused.Error()})
		return
	}
	collectors.LogPanic(e.Logger, err)
	e.Logger.Error("Answering a request of the API failed", "path", r.URL.Path, "err", err)
	e.answer(w, http.StatusInternalServerError, apiAnswer{
		ErrorType: apiInternal, Error: "the request cannot be answered; see the log of the exporter",
	})
}

// answer writes an answer, encoded as a whole first: half of one would look like another.
func (e *exporter) answer(w http.ResponseWriter, code int, a apiAnswer) {
	a.Status = "success"
	if a.Error != "" {
		a.Status = "error"
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // the answer is no HTML, and secrets are masked as they are written
	if err := encoder.Encode(a); err != nil {
		e.Logger.Error("Encoding an answer of the API failed", "err", err)
		code = http.StatusInternalServerError
		text.Reset()
		_, _ = fmt.Fprintf(&text, "{\"status\":\"error\",\"errorType\":%q,\"error\":\"the answer cannot be encoded\"}\n",
			apiInternal)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = text.WriteTo(w)
}
