package decode

import "bytes"

// googleLB is the log of Google Cloud's application load balancers as Cloud Logging exports it, a LogEntry in JSON
// ("Global external Application Load Balancer logging and monitoring"; LogEntry and HttpRequest of the Logging API).
// The host is that of requestUrl. It is not documented which status a request has whose client left before the
// response: 0 with such a statusDetails is one.
var googleLB = format{
	name: "google-lb", read: readGoogleLB, aborted: googleAborted, durations: true, unit: seconds,
	keys: layout{
		fPath: "httpRequest/requestUrl", fStatus: "httpRequest/status", fDuration: "httpRequest/latency",
		fBytes: "httpRequest/responseSize", fTime: "timestamp", fAgent: "httpRequest/userAgent",
		fClient: "httpRequest/remoteIp", fDetails: "jsonPayload/statusDetails", fID: "insertId", fSource: "logName",
	},
}

// readGoogleLB divides the URL. An entry of another log has no request.
func readGoogleLB(d *JSON, e *Event) Outcome {
	v := &d.v
	if v.kinds[fPath] != text {
		if v.kinds[fSource] == text {
			return NoRequest
		}
		return NoStatus
	}
	if v.kinds[fStatus] == absent { // 0 is left out
		v.kinds[fStatus] = null
	}
	outcome := readFields(d, e)
	host, uri := splitURL(v.raw[fPath])
	e.Host = host
	if d.path {
		e.Path = pathOf(uri)
	}
	return outcome
}

// googleAborted interprets a missing status.
func googleAborted(v *values, e *Event) Outcome {
	if bytes.HasPrefix(v.str(fDetails), []byte("client_disconnected")) {
		e.Status = clientClosed
	}
	return Counted
}
