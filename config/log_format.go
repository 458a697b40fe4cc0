package config

// LogFormat is what the policy must know of a format of request logs. Package collectors/tenant/decode reads the
// format.
type LogFormat struct {
	Name string
	// Receiver reports whether a receiver of this name takes its records, such as those of a vendor.
	Receiver bool
	// Durations reports whether records can hold request durations, Unit whether duration_unit is their unit.
	Durations bool
	Unit      bool
	// ProbeSecret reports whether records can hold the request header ProbeHeader.
	ProbeSecret bool
	// NoAddress reports whether records do not hold the address of a connection, by which a probe could be identified.
	NoAddress bool
	// Header reports whether lines of their own name the columns of the records behind them.
	Header bool
	Keys   LogKeys
}

// LogKeys is the meaning of Source.Fields for a format.
type LogKeys int

// The values of LogKeys.
const (
	KeysFixed    LogKeys = iota // the format has its own keys: Fields must be empty
	KeysRenamed                 // Fields overrides the usual keys
	KeysNamed                   // only what Fields names is read
	KeysCaptured                // Fields names captured headers by their places, such as capture.1
)

// LogFormats lists the formats of the records of a source.
var LogFormats = []LogFormat{
	{Name: "nginx-json", Durations: true, Unit: true, ProbeSecret: true, Keys: KeysRenamed},
	{Name: "nginx-main", Durations: true},
	{Name: "combined", Durations: true},
	{Name: "apache-vhost"},
	{Name: "ingress-nginx", Durations: true},
	{Name: "haproxy", Durations: true, ProbeSecret: true, Keys: KeysCaptured},
	{Name: "haproxy-json", Durations: true, ProbeSecret: true, Keys: KeysRenamed},
	{Name: "caddy", Durations: true, Unit: true, ProbeSecret: true},
	{Name: "traefik", Durations: true, ProbeSecret: true},
	{Name: "traefik-clf", Durations: true, NoAddress: true},
	{Name: "envoy", Durations: true, ProbeSecret: true},
	{Name: "envoy-text", Durations: true, NoAddress: true},
	{Name: "aws-alb", Durations: true},
	{Name: "cloudfront", Durations: true, Header: true},
	{Name: "google-lb", Durations: true},
	{Name: "iis", Durations: true, Header: true},
	{Name: "vercel", Receiver: true},
	{Name: "cloudflare", Receiver: true, Durations: true, ProbeSecret: true},
	{Name: "json", Receiver: true, Durations: true, Unit: true, ProbeSecret: true, Keys: KeysNamed},
}

var (
	// Formats are the values of Source.Format.
	Formats = formatNames(func(LogFormat) bool { return true })
	// Receivers are the values of Source.Receive.
	Receivers = formatNames(func(f LogFormat) bool { return f.Receiver })
)

func formatNames(pick func(LogFormat) bool) []string {
	var names []string
	for _, f := range LogFormats {
		if pick(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

// format returns the format of the source, the zero LogFormat for an unknown one.
func (s *Source) format() LogFormat {
	for _, f := range LogFormats {
		if f.Name == s.Format {
			return f
		}
	}
	return LogFormat{}
}

// HasDuration reports whether the records of the source can hold request durations.
func (s *Source) HasDuration() bool {
	f := s.format()
	return f.Durations && (f.Keys != KeysNamed || s.Fields["duration"] != "")
}

// identifiesProbes reports whether the records of the source can show by t that they are of health checks.
func (s *Source) identifiesProbes(t *TenantProbes) bool {
	f := s.format()
	address, secret := !f.NoAddress, f.ProbeSecret
	switch f.Keys {
	case KeysNamed:
		address, secret = s.Fields["client_address"] != "", s.Fields["probe"] != ""
	case KeysCaptured:
		secret = s.Fields["probe"] != ""
	case KeysFixed, KeysRenamed:
	}
	return address && len(t.Addresses) > 0 || secret && t.Secret != nil
}
