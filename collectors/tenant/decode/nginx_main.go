package decode

// nginxMain is the log_format main of nginx's packages (nginx.conf of nginx.org's packages and images): combined, then
// what the client sent as X-Forwarded-For in quotes. It names no host. Often more was added to it, which is read as in
// combined: host and request time, or the time alone. Requests that were aborted look as in combined.
var nginxMain = format{
	name: "nginx-main", durations: true, unit: seconds,
	decoder: func(o Options) Decoder { return newCombined(o, readAfterMain) },
}

// readAfterMain skips X-Forwarded-For, by which a client would choose its tenant.
func readAfterMain(d *combined, b []byte, e *Event) Outcome {
	if len(b) < 3 || b[0] != ' ' {
		return Syntax
	}
	_, b, ok := quoted(b[1:])
	if !ok || len(b) > 0 && b[0] != ' ' {
		return Syntax
	}
	if len(b) > 1 && b[1] != '"' {
		if took, reason := duration(list(b[1:]), seconds); reason == Readable {
			e.Duration = took
			return Counted
		}
	}
	return d.rest(b, e)
}
