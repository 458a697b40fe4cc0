package decode

// cloudflare is what Cloudflare's Logpush sends of http_requests.
var cloudflare = format{
	name: "cloudflare", read: readCloudflare, durations: true, unit: nanoseconds,
	keys: layout{
		fHost: "ClientRequestHost", fPath: "ClientRequestURI", fPath2: "ClientRequestPath", fStatus: "EdgeResponseStatus",
		fBytes: "EdgeResponseBytes", fTime: "EdgeStartTimestamp", fEnd: "EdgeEndTimestamp", fID: "RayID",
		fSource: "ClientRequestSource", fAgent: "ClientRequestUserAgent", fContent: "content",
		fClient: "ClientIP", fProbe: "RequestHeaders/x-thorbis-probe",
	},
}

// readCloudflare keeps what clients asked for. A duration is the difference of two times.
func readCloudflare(d *JSON, e *Event) Outcome {
	v := &d.v
	if string(v.str(fContent)) == "tests" && v.missing(fStatus) {
		return Test
	}
	if !endUser(v.name(fSource)) {
		return Subrequest
	}
	outcome := readFields(d, e)
	if outcome != Counted {
		return outcome
	}
	end := d.time(fEnd)
	switch {
	case end == 0 || e.Time == 0:
	case !precise(v.raw[fTime]) || !precise(v.raw[fEnd]):
		e.Unreadable, e.Unread = WholeSeconds, v.raw[fEnd]
	case end < e.Time:
		e.Unreadable, e.Unread = Negative, v.raw[fEnd]
	default:
		e.Duration = end - e.Time
	}
	return Counted
}

// endUser reports whether a ClientRequestSource is a visitor, also one whose own zone is on Cloudflare (a custom
// domain), or is not known. It is written by name, or by number in older jobs (Cloudflare's "ClientRequestSource
// field").
func endUser(source []byte) bool {
	switch string(source) {
	case "eyeball", "1", "orangeToOrange", "9", "unknown", "0", "":
		return true
	}
	return false
}

// precise reports whether a timestamp is finer than a second: nanoseconds, or RFC 3339 with a fraction.
// Timestamps in whole seconds give no latency.
func precise(b []byte) bool {
	if len(b) > 2 && b[1] == '.' { // 1.79e+18
		n, ok := scaled(b, 0)
		return ok && epochScale(digitsOf(n)) == 0
	}
	return len(b) >= 19 && b[0]-'0' <= 9 && (b[4] != '-' || b[19%len(b)] == '.')
}
