package decode

import "bytes"

// caddy is the access log of Caddy.
var caddy = format{
	name: "caddy", read: readCaddy, aborted: caddyAborted, durations: true, unit: seconds, unitVaries: true,
	keys: layout{
		fHost: "request/host", fPath: "request/uri", fStatus: "status", fDuration: "duration", fBytes: "size",
		fTime: "ts", fAgent: "request/headers/User-Agent", fSource: "logger", fMessage: "msg",
		// client_ip is what a client says in X-Forwarded-For where trusted_proxies is set.
		fClient: "request/remote_ip", fProbe: "request/headers/X-Thorbis-Probe",
	},
}

// readCaddy leaves out what the server's other loggers write into the same stream.
func readCaddy(d *JSON, e *Event) Outcome {
	if logger := d.v.str(fSource); logger != nil && !bytes.HasPrefix(logger, []byte("http.log.access")) {
		return NoRequest
	}
	return readFields(d, e)
}

// caddyAborted interprets a status of 0: Caddy wrote no answer. Where no handler answered, net/http sends an empty 200;
// otherwise the client left before the headers, or was cut off on purpose (abort).
func caddyAborted(v *values, e *Event) Outcome {
	e.Status = clientClosed
	if string(v.str(fMessage)) == "NOP" {
		e.Status = 200
	}
	return Counted
}
