package health

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// What the exporter itself lacks is no failure of the target, and what gRPC passes on as text has the reason of the
// error.
func TestReasonsOfErrors(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return fmt.Errorf("probe: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", errno)})
	}
	for name, tc := range map[string]struct {
		err            error
		result, reason string
	}{
		"no descriptors":      {dial(syscall.EMFILE), metric.ResultUnknown, reasonProberError},
		"none on the machine": {dial(syscall.ENFILE), metric.ResultUnknown, reasonProberError},
		"not permitted":       {dial(syscall.EPERM), metric.ResultUnknown, reasonProberError},
		"no access":           {dial(syscall.EACCES), metric.ResultUnknown, reasonProberError},
		"no buffers":          {dial(syscall.ENOBUFS), metric.ResultUnknown, reasonProberError},
		"no memory":           {dial(syscall.ENOMEM), metric.ResultUnknown, reasonProberError},
		"no ports":            {dial(syscall.EADDRNOTAVAIL), metric.ResultUnknown, reasonProberError},
		"a file of the module": {&fs.PathError{Op: "open", Path: "/ca.pem", Err: syscall.ENOENT}, metric.ResultUnknown,
			reasonProberError},
		"the target's socket": {&net.OpError{Op: "dial", Net: "unix",
			Err: os.NewSyscallError("connect", syscall.ENOENT)}, bad, reasonUnexpectedAnswer},
		"refused":     {dial(syscall.ECONNREFUSED), bad, reasonRefused},
		"no route":    {dial(syscall.EHOSTUNREACH), bad, reasonUnreachable},
		"broken pipe": {dial(syscall.EPIPE), bad, reasonReset},
		"gRPC, closed": {errors.New(
			`rpc error: code = Unavailable desc = connection error: desc = "error reading server preface: EOF"`), bad,
			reasonReset},
		"gRPC, name": {errors.New(
			"rpc error: code = Unavailable desc = dns: A record lookup error: lookup x.invalid: no such host"), bad,
			reasonDNSNotFound},
		"gRPC, too late": {errors.New("rpc error: code = DeadlineExceeded desc = context deadline exceeded"), bad,
			reasonTimeout},
		"gRPC, expired certificate": {errors.New(
			`desc = "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate has expired"`), bad, reasonCertExpired},
		"gRPC, certificate": {errors.New(
			`desc = "tls: failed to verify certificate: x509: certificate signed by unknown authority"`), bad,
			reasonCertInvalid},
		"gRPC, no TLS": {errors.New(
			`desc = "transport: authentication handshake failed: tls: first record does not look like a TLS handshake"`), bad,
			reasonTLS},
	} {
		result, reason := classify("grpc", []record{{err: tc.err}}, false)
		if result != tc.result || reason != tc.reason {
			t.Errorf("%s: %s %s, want %s %s", name, result, reason, tc.result, tc.reason)
		}
	}
	if result, reason := classify("http", nil, true); result != metric.ResultFailure || reason != reasonTimeout {
		t.Errorf("an end of time: %s %s", result, reason)
	}
}
