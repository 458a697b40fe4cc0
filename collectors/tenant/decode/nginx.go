package decode

// nginxJSON is what nginx writes by a log_format with escape=json. nginx has no JSON of its own: these are the names
// that docs/tenants.md proposes, and common ones.
var nginxJSON = format{
	name: "nginx-json", read: readFields, durations: true, unit: seconds, unitVaries: true, keysVary: true,
	keys: layout{
		fHost: "host", fHost2: "http_host", fPath: "request_uri", fPath2: "uri", fStatus: "status",
		fDuration: "request_time", fBytes: "bytes_sent", fBytes2: "body_bytes_sent",
		fTime: "msec", fTime2: "time", fTime3: "time_iso8601", fAgent: "http_user_agent", fAgent2: "user_agent",
		fClient: "remote_addr", fProbe: "http_x_thorbis_probe",
	},
}
