package decode

import "bytes"

// envoy is the access log of Envoy in JSON. Istio writes authority, Envoy Gateway :authority.
var envoy = format{
	name: "envoy", read: readFields, aborted: envoyAborted, durations: true, unit: milliseconds,
	keys: layout{
		fHost: "authority", fHost2: ":authority", fPath: "path", fPath2: "x-envoy-origin-path", fStatus: "response_code",
		fDuration: "duration", fBytes: "bytes_sent", fTime: "start_time", fAgent: "user_agent", fAgent2: "user-agent",
		fFlags: "response_flags", fDetails: "response_code_details", fMethod: "method",
		// downstream_remote_address may be what a client says in X-Forwarded-For.
		fClient: "downstream_direct_remote_address", fProbe: "x_thorbis_probe",
	},
}

// envoyAborted distinguishes a client that left, a failure, and a connection that was not HTTP: all have the code 0.
func envoyAborted(v *values, e *Event) Outcome {
	if v.unset(fMethod) { // a TCP proxy's line, or a stream that ended before its headers
		return NoRequest
	}
	if envoyClientLeft(v.str(fFlags), v.str(fDetails)) {
		e.Status = clientClosed
	}
	return Counted
}

// envoyClientLeft reports whether the client ended a request without a response. Envoy closed the connection itself if
// the details begin with downstream_local_disconnect, unless the client did not answer a ping or broke the protocol. A
// reset of a stream is DR since 1.29, a closed connection DC, and in some versions neither has a flag.
func envoyClientLeft(flags, details []byte) bool {
	if local, ok := bytes.CutPrefix(details, []byte("downstream_local_disconnect")); ok &&
		!bytes.Contains(local, []byte("http2_ping_timeout")) && !bytes.Contains(local, []byte("protocol_violation")) {
		return false
	}
	if len(flags) == 0 || string(flags) == "-" {
		return true
	}
	for flag := range bytes.SplitSeq(flags, []byte(",")) {
		switch string(flag) {
		case "DC", "DownstreamConnectionTermination", "DR", "DownstreamRemoteReset", "DPE", "DownstreamProtocolError":
			return true
		}
	}
	return false
}
