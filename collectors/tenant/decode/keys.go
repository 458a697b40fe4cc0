package decode

import "strings"

// field is what a decoder wants to know of a record.
type field uint8

const (
	none field = iota // known, but of no interest
	fHost
	fHost2
	fPath
	fPath2
	fTenant
	fStatus
	fDuration
	fBytes
	fBytes2
	fTime
	fTime2
	fTime3
	fEnd
	fAgent
	fAgent2
	fClient // the address of who asked
	fProbe  // the secret of our health checks
	fID
	fFlags
	fDetails
	fMethod
	fMessage
	fOriginDuration
	fSource
	fContent
	fProxy
	fProxyStatus
	fProxyTime
	fType
	fields // how many there are
)

var named = map[string]field{
	"host": fHost, "path": fPath, "tenant": fTenant, "status": fStatus, "duration": fDuration,
	"bytes": fBytes, "time": fTime, "user_agent": fAgent, "id": fID,
	"client_address": fClient, "probe": fProbe,
}

// A format's keys: where in the record each field stands.
type layout map[field]string

// nginx has no JSON of its own: these are the names that docs/tenants.md proposes, and common ones.
var nginxKeys = layout{
	fHost: "host", fHost2: "http_host", fPath: "request_uri", fPath2: "uri", fStatus: "status",
	fDuration: "request_time", fBytes: "bytes_sent", fBytes2: "body_bytes_sent",
	fTime: "msec", fTime2: "time", fTime3: "time_iso8601", fAgent: "http_user_agent", fAgent2: "user_agent",
	fClient: "remote_addr", fProbe: "http_x_thorbis_probe",
}

var caddyKeys = layout{
	fHost: "request/host", fPath: "request/uri", fStatus: "status", fDuration: "duration", fBytes: "size",
	fTime: "ts", fAgent: "request/headers/User-Agent", fSource: "logger", fMessage: "msg",
	// client_ip is what a client says in X-Forwarded-For where trusted_proxies is set.
	fClient: "request/remote_ip", fProbe: "request/headers/X-Thorbis-Probe",
}

var traefikKeys = layout{
	fHost: "RequestHost", fPath: "RequestPath", fStatus: "DownstreamStatus", fDuration: "Duration",
	fBytes: "DownstreamContentSize", fTime: "StartUTC", fTime2: "time", fAgent: "request_User-Agent",
	fOriginDuration: "OriginDuration",
	// ClientHost is what a client says in X-Forwarded-For.
	fClient: "ClientAddr", fProbe: "request_X-Thorbis-Probe",
}

// Istio writes authority, Envoy Gateway :authority.
var envoyKeys = layout{
	fHost: "authority", fHost2: ":authority", fPath: "path", fPath2: "x-envoy-origin-path", fStatus: "response_code",
	fDuration: "duration", fBytes: "bytes_sent", fTime: "start_time", fAgent: "user_agent", fAgent2: "user-agent",
	fFlags: "response_flags", fDetails: "response_code_details", fMethod: "method",
	// downstream_remote_address may be what a client says in X-Forwarded-For.
	fClient: "downstream_direct_remote_address", fProbe: "x_thorbis_probe",
}

var vercelKeys = layout{
	fHost: "proxy/host", fHost2: "host", fPath: "proxy/path", fStatus: "statusCode", fProxy: "proxy",
	fProxyStatus: "proxy/statusCode", fProxyTime: "proxy/timestamp", fTime: "timestamp", fBytes: "proxy/responseByteSize",
	fAgent: "proxy/userAgent", fID: "requestId", fType: "type", fClient: "proxy/clientIp",
}

var cloudflareKeys = layout{
	fHost: "ClientRequestHost", fPath: "ClientRequestURI", fPath2: "ClientRequestPath", fStatus: "EdgeResponseStatus",
	fBytes: "EdgeResponseBytes", fTime: "EdgeStartTimestamp", fEnd: "EdgeEndTimestamp", fID: "RayID",
	fSource: "ClientRequestSource", fAgent: "ClientRequestUserAgent", fContent: "content",
	fClient: "ClientIP", fProbe: "RequestHeaders/x-thorbis-probe",
}

func build(l layout, o Options, finish func(*JSON, *Event) Outcome, u unit) *JSON {
	d := &JSON{keys: &keys{}, finish: finish, unit: u, path: o.Path, probes: prover{Probes: o.Probes}}
	overridden := map[field]bool{}
	for name, path := range o.Fields {
		f := named[name]
		overridden[f] = true
		// A name with dots leads into objects, or is a key with dots.
		d.keys.add(f, path)
		if strings.Contains(path, ".") {
			d.keys.add(f, strings.Split(path, ".")...)
		}
	}
	second := map[field]field{fHost2: fHost, fPath2: fPath, fBytes2: fBytes, fTime2: fTime, fTime3: fTime, fAgent2: fAgent}
	for f := range fields {
		if path, ok := l[f]; ok && !overridden[f] && !overridden[second[f]] {
			d.keys.add(f, strings.Split(path, "/")...)
		}
	}
	if own, ok := units[o.DurationUnit]; ok && (o.Format == "json" || o.Format == "nginx-json" || o.Format == "caddy") {
		d.unit = own
	}
	return d
}
