package collectors

import (
	"fmt"
	"net/http"
)

// Endpoint is a resource of a collector in the exporter's HTTP API.
type Endpoint struct {
	// Path is where it is below /api/v1/, as a pattern of http.ServeMux without a method: checks/{name}.
	Path string
	// Answer returns what is encoded as JSON under "data". It reads memory and returns a bounded answer. An error that is
	// not a RequestError is a defect: it is logged, and the client is not given its text.
	Answer func(r *http.Request) (any, error)
}

// Endpoints is a collector with resources in the HTTP API. They are the same whatever the policy.
type Endpoints interface{ Endpoints() []Endpoint }

// Kinds of errors in the HTTP API, as Prometheus names them.
const (
	RequestInvalid     = "bad_data"    // the request cannot be understood, or asks for too much
	RequestNotFound    = "not_found"   // there is nothing of that name
	RequestUnavailable = "unavailable" // not now
)

// RequestError is an error that the client of the HTTP API can do something about.
type RequestError struct {
	Kind string
	Err  error
}

// Error returns the text of the error itself.
func (e *RequestError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *RequestError) Unwrap() error { return e.Err }

// InvalidRequest returns an error of kind RequestInvalid.
func InvalidRequest(format string, args ...any) error {
	return &RequestError{RequestInvalid, fmt.Errorf(format, args...)}
}

// NotFound returns an error of kind RequestNotFound.
func NotFound(format string, args ...any) error {
	return &RequestError{RequestNotFound, fmt.Errorf(format, args...)}
}
