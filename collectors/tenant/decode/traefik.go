package decode

// traefik is the access log of Traefik in JSON.
var traefik = format{
	name: "traefik", read: readFields, aborted: traefikAborted, durations: true, unit: nanoseconds,
	keys: layout{
		fHost: "RequestHost", fPath: "RequestPath", fStatus: "DownstreamStatus", fDuration: "Duration",
		fBytes: "DownstreamContentSize", fTime: "StartUTC", fTime2: "time", fAgent: "request_User-Agent",
		fOriginDuration: "OriginDuration",
		// ClientHost is what a client says in X-Forwarded-For.
		fClient: "ClientAddr", fProbe: "request_X-Thorbis-Probe",
	},
}

// traefikAborted interprets a status of 0. Traefik's own answers all have a status, and a client that leaves before the
// headers is logged as 499. If OriginDuration is above 0 the service returned, and the connection was handed over (a
// WebSocket). Otherwise the response was cut off after its headers, by either side.
func traefikAborted(v *values, e *Event) Outcome {
	if v.kinds[fStatus] != number {
		return Counted
	}
	e.Status = clientClosed
	if n, ok := scaled(v.raw[fOriginDuration], 0); ok && n > 0 && v.kinds[fOriginDuration] == number {
		e.Status = 101
	}
	return Counted
}
