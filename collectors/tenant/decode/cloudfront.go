package decode

// cloudfront is the standard log of AWS CloudFront in the format W3C ("Standard logging reference"), with tabs between
// columns. The host is x-host-header, what the viewer sent as Host; cs(Host) is the distribution's own name. The status
// is 000 where the viewer closed the connection before the response.
var cloudfront = format{
	name: "cloudfront", line: readCloudFront, headed: true, durations: true, unit: seconds,
}

var cloudfrontColumns = []w3cColumn{
	{"date", fTime},
	{"time", fTime2},
	{"x-host-header", fHost},
	{"cs(Host)", fHost2},
	{"cs-uri-stem", fPath},
	{"sc-status", fStatus},
	{"sc-bytes", fBytes},
	{"time-taken", fDuration},
	{"c-ip", fClient},
	{"cs(User-Agent)", fAgent},
	{"x-edge-request-id", fID},
}

func readCloudFront(d *textLine, b []byte, e *Event) Outcome {
	if outcome := d.columns.record(b, '\t', cloudfrontColumns); outcome != Counted {
		return outcome
	}
	outcome := d.readColumns(e, seconds)
	if outcome == Counted && e.Status == 0 {
		e.Status = clientClosed
	}
	e.ID = d.columns.value(fID)
	return outcome
}
