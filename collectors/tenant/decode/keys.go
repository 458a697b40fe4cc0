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

// layout is where in a record each field is. A slash leads into an object.
type layout map[field]string

// newJSON returns a decoder of a format with the keys of a source.
func newJSON(f *format, o Options) *JSON {
	d := &JSON{keys: &keys{}, format: f, unit: f.unit, path: o.Path, probes: prover{Probes: o.Probes}}
	overridden := map[field]bool{}
	for name, path := range o.Fields {
		field := named[name]
		overridden[field] = true
		// A name with dots leads into objects, or is a key with dots.
		d.keys.add(field, path)
		if strings.Contains(path, ".") {
			d.keys.add(field, strings.Split(path, ".")...)
		}
	}
	second := map[field]field{fHost2: fHost, fPath2: fPath, fBytes2: fBytes, fTime2: fTime, fTime3: fTime, fAgent2: fAgent}
	for field := range fields {
		if path, ok := f.keys[field]; ok && !overridden[field] && !overridden[second[field]] {
			d.keys.add(field, strings.Split(path, "/")...)
		}
	}
	if own, ok := units[o.DurationUnit]; ok && f.unitVaries {
		d.unit = own
	}
	return d
}
