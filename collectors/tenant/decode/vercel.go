package decode

// vercel is what Vercel's log drains send. Their records have no durations.
var vercel = format{
	name: "vercel", read: readVercel,
	keys: layout{
		fHost: "proxy/host", fHost2: "host", fPath: "proxy/path", fStatus: "statusCode", fProxy: "proxy",
		fProxyStatus: "proxy/statusCode", fProxyTime: "proxy/timestamp", fTime: "timestamp", fBytes: "proxy/responseByteSize",
		fAgent: "proxy/userAgent", fID: "requestId", fType: "type", fClient: "proxy/clientIp",
	},
}

// readVercel keeps the one record of a request that holds its outcome. A function that crashed without an answer has
// the status -1 and no status of the proxy.
func readVercel(d *JSON, e *Event) Outcome {
	v := &d.v
	e.Host, e.ID = d.first(fHost, fHost2), v.str(fID)
	uri := v.str(fPath)
	if d.path {
		e.Path = pathOf(uri)
	}
	e.Probe = d.isProbe(uri)
	if e.Time = d.time(fProxyTime); e.Time == 0 {
		e.Time = d.time(fTime)
	}
	e.Bytes, _ = d.bytes(fBytes)
	if v.minusOne(fProxyStatus) {
		return Revalidation
	}
	if v.missing(fProxyStatus) {
		if v.minusOne(fStatus) {
			e.Status = 0
			return Counted
		}
		return NoRequest // a line of the function's output
	}
	var ok bool
	if e.Status, ok = d.status(fProxyStatus); !ok {
		return NoStatus
	}
	return Counted
}
