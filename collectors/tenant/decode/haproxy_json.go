package decode

// haproxyJSON is what HAProxy writes by a log-format of JSON: %{+json}o since 3.0, by hand before. HAProxy has no JSON
// of its own: these are the names that docs/tenants.md proposes. The time is in milliseconds (%Ta).
var haproxyJSON = format{
	name: "haproxy-json", read: readHAProxyJSON, notice: isHAProxyNotice, durations: true, unit: milliseconds,
	keysVary: true,
	keys: layout{
		fHost: "host", fPath: "uri", fPath2: "path", fStatus: "status", fDuration: "duration", fBytes: "bytes",
		fTime: "time", fAgent: "user_agent", fClient: "client_address", fProbe: "x_thorbis_probe",
		fFlags: "termination_state",
	},
}

// readHAProxyJSON interprets the status and the state of requests that were aborted, as in option httplog.
func readHAProxyJSON(d *JSON, e *Event) Outcome {
	outcome := readFields(d, e)
	if outcome != Counted {
		return outcome
	}
	return haproxyAborted(d.v.str(fFlags), e)
}
