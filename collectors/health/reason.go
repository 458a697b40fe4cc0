package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Reasons of a failed probe, a closed set.
const (
	reasonDNSNotFound      = "dns_not_found"
	reasonDNSError         = "dns_error"
	reasonRefused          = "connection_refused"
	reasonReset            = "connection_reset"
	reasonUnreachable      = "network_unreachable"
	reasonTimeout          = "timeout"
	reasonTLS              = "tls"
	reasonCertExpired      = "certificate_expired"
	reasonCertInvalid      = "certificate_invalid"
	reasonProtocol         = "protocol_error"
	reasonStatus           = "status"
	reasonHeader           = "header_mismatch"
	reasonBody             = "body_mismatch"
	reasonBodyTooLarge     = "body_too_large"
	reasonUnexpectedAnswer = "unexpected_answer"
	reasonOther            = "other"
)

// Reasons of a result that cannot be judged, a closed set.
const (
	reasonProberOffline = "prober_offline"
	reasonCached        = "cached_response"
	// The exporter's resolver fails for names outside the checks' zones too.
	reasonResolverFailed = "resolver_failed"
	reasonChallenge      = "edge_challenge"
	reasonProberError    = "prober_error"
	reasonStale          = "stale"    // no result for too long; a state, never a probe's result
	reasonStarting       = "starting" // no result yet; a state, never a probe's result
)

var (
	failureReasons = []string{
		reasonDNSNotFound, reasonDNSError, reasonRefused, reasonReset, reasonUnreachable, reasonTimeout, reasonTLS,
		reasonCertExpired, reasonCertInvalid, reasonProtocol, reasonStatus, reasonHeader, reasonBody,
		reasonBodyTooLarge, reasonUnexpectedAnswer, reasonOther,
	}
	unknownReasons = []string{reasonProberOffline, reasonResolverFailed, reasonCached, reasonChallenge, reasonProberError}
)

// explanations are the texts of reasons for a person.
var explanations = map[string]string{
	reasonDNSNotFound:      "the name does not exist",
	reasonDNSError:         "the resolver failed",
	reasonRefused:          "nothing listens there",
	reasonReset:            "the connection was closed in the middle",
	reasonUnreachable:      "no route to the address",
	reasonTimeout:          "no whole answer in time",
	reasonTLS:              "the TLS handshake failed",
	reasonCertExpired:      "the certificate has expired",
	reasonCertInvalid:      "the certificate is not trusted or of another name",
	reasonProtocol:         "the answer is none of this protocol",
	reasonStatus:           "a status that the module does not accept",
	reasonHeader:           "a header is not as the module wants it",
	reasonBody:             "the body is not as the module wants it",
	reasonBodyTooLarge:     "the body is larger than the module permits",
	reasonUnexpectedAnswer: "an answer that the module does not accept",
	reasonOther:            "none of the known reasons; see the prober's log",
	reasonProberOffline:    "no reference target answers of those that did: the exporter's own network is gone",
	reasonResolverFailed:   "the exporter's own resolver fails: no reference name resolves of those that did",
	reasonCached:           "a cache answered, not the service",
	reasonChallenge:        "the edge asked for a proof of humanity",
	reasonProberError:      "the exporter could not probe; see its log",
	reasonStale:            "no result for too long",
	reasonStarting:         "no result yet",
}

// Explain returns the explanation of a reason, empty for none.
func Explain(reason string) string { return explanations[reason] }

// classify returns the result and reason of a failed probe from what the prober logged.
func classify(prober string, records []record, timedOut bool) (result, reason string) {
	for _, r := range records {
		if strings.HasPrefix(r.message, "Unable to do unprivileged listen") {
			continue // the icmp prober goes on to try a raw socket
		}
		if r.err != nil {
			if own(r.err) {
				return metric.ResultUnknown, reasonProberError
			}
			if reason := reasonOf(r.err); reason != "" {
				return metric.ResultFailure, reason
			}
		}
		if reason := r.reason(); reason != "" {
			if reason == reasonCached {
				return metric.ResultUnknown, reason
			}
			return metric.ResultFailure, reason
		}
	}
	switch {
	case timedOut:
		return metric.ResultFailure, reasonTimeout
	case prober == "http":
		return metric.ResultFailure, reasonOther
	default:
		return metric.ResultFailure, reasonUnexpectedAnswer
	}
}

// own reports whether an error is the exporter's own, so that nothing is known of the target.
func own(err error) bool {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.EPERM, syscall.EACCES, syscall.ENOBUFS,
		syscall.ENOMEM, syscall.EADDRNOTAVAIL,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	// A missing file is the exporter's, unless it is the target's unix socket.
	var op *net.OpError
	return errors.Is(err, os.ErrNotExist) && !errors.As(err, &op)
}

// reasonOf names an error of the standard library, empty if it does not know it.
func reasonOf(err error) string {
	var (
		dns       *net.DNSError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		tooLarge  *http.MaxBytesError
		netErr    net.Error
		text      = err.Error()
		malformed = strings.Contains(text, "malformed") || strings.Contains(text, "HTTP/0.9") ||
			strings.Contains(text, "bad Content-Length") || strings.Contains(text, "readLoopPeekFailLocked")
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return reasonDNSNotFound
	case errors.As(err, &dns):
		return reasonDNSError
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return reasonCertExpired
	case errors.As(err, &verify) || errors.As(err, &invalid):
		return reasonCertInvalid
	// gRPC passes on the texts of errors, not the errors.
	case strings.Contains(text, "code = DeadlineExceeded"):
		return reasonTimeout
	case strings.Contains(text, "x509: certificate has expired"):
		return reasonCertExpired
	case strings.Contains(text, "x509: "):
		return reasonCertInvalid
	case strings.Contains(text, "error reading server preface"):
		return reasonReset
	case errors.As(err, &tooLarge):
		return reasonBodyTooLarge
	case errors.Is(err, syscall.ECONNREFUSED):
		return reasonRefused
	case errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH):
		return reasonUnreachable
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &netErr) &&
		netErr.Timeout():
		return reasonTimeout
	case errors.As(err, &record) || errors.As(err, &alert) || strings.Contains(text, "tls: ") ||
		strings.Contains(text, "HTTP response to HTTPS client"):
		return reasonTLS
	case malformed:
		return reasonProtocol
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(text, "server closed idle connection"):
		return reasonReset
	case strings.Contains(text, "no such host"):
		return reasonDNSNotFound
	}
	return ""
}
