package decode

import "bytes"

// clientClosed is the status of a request whose client left before the answer, as nginx has it. docs/tenants.md lists how each
// program reports such a request.
const clientClosed = 499

// caddyStatus is what a status of 0 means: Caddy wrote no answer. Where no handler answered, net/http sends an empty 200;
// otherwise the client left before the headers, or was cut off on purpose (abort).
func caddyStatus(v *values) int {
	if string(v.str(fMessage)) == "NOP" {
		return 200
	}
	return clientClosed
}

// finishTraefik interprets a status of 0. Traefik's own answers all have a status, and a client that leaves before the
// headers is logged as 499. If OriginDuration says that the service returned, the connection was handed over (a
// WebSocket). Otherwise the response was cut off after its headers, by either side.
func finishTraefik(d *JSON, e *Event) Outcome {
	outcome := finishGeneric(d, e)
	if e.Status == 0 && outcome == Counted && d.v.kinds[fStatus] == number {
		e.Status = clientClosed
		if n, ok := scaled(d.v.raw[fOriginDuration], 0); ok && n > 0 && d.v.kinds[fOriginDuration] == number {
			e.Status = 101
		}
	}
	return outcome
}

// finishEnvoy distinguishes a client that left, a failure, and a connection that was not HTTP: all have the code 0.
func finishEnvoy(d *JSON, e *Event) Outcome {
	v := &d.v
	outcome := finishGeneric(d, e)
	if e.Status != 0 || outcome != Counted {
		return outcome
	}
	if v.unset(fMethod) { // a TCP proxy's line, or a stream that ended before its headers
		return NoRequest
	}
	if envoyClientLeft(v.str(fFlags), v.str(fDetails)) {
		e.Status = clientClosed
	}
	return outcome
}

// envoyClientLeft judges a request without a response. Envoy closed the connection itself if the details say so, but for a
// client that no longer answers or breaks the protocol. A reset of a stream is DR since 1.29, a closed connection DC, and in
// some versions neither has a flag.
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
