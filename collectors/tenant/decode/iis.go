package decode

// iis is the log of Microsoft's IIS in the format W3C (Microsoft's "W3C Logging" of the HTTP Server API), with spaces
// between columns. cs-host is not among the columns that IIS writes by default. Times are in UTC, durations in
// milliseconds. The status of a request whose client left is the one that would have been sent; only sc-win32-status
// shows it (64, 1236).
var iis = format{name: "iis", line: readIIS, headed: true, durations: true, unit: milliseconds}

var iisColumns = []w3cColumn{
	{"date", fTime},
	{"time", fTime2},
	{"cs-host", fHost},
	{"cs(Host)", fHost2},
	{"cs-uri-stem", fPath},
	{"sc-status", fStatus},
	{"sc-bytes", fBytes},
	{"time-taken", fDuration},
	{"c-ip", fClient},
	{"cs(User-Agent)", fAgent},
}

func readIIS(d *textLine, b []byte, e *Event) Outcome {
	if outcome := d.columns.record(b, ' ', iisColumns); outcome != Counted {
		return outcome
	}
	return d.readColumns(e, milliseconds)
}
