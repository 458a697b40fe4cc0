package decode

import "bytes"

// apacheVhost is the LogFormat vhost_combined of Debian's and Ubuntu's apache2.conf:
//
//	"%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""
//
// %v is the ServerName of the virtual host (mod_log_config), not what a client sent: with one virtual host for all
// tenants, %V with UseCanonicalName Off or %{Host}i must stand in its place. The status of an aborted request is the
// one that would have been sent.
var apacheVhost = format{
	name:    "apache-vhost",
	decoder: func(o Options) Decoder { return &vhostCombined{newCombined(o, readNothing)} },
}

type vhostCombined struct{ *combined }

// Decode implements Decoder.
func (d *vhostCombined) Decode(b []byte, e *Event) Outcome {
	host, rest := word(b)
	if i := bytes.LastIndexByte(host, ':'); i > 0 && scanDigits(host, i+1) == len(host) && i+1 < len(host) {
		outcome := d.combined.Decode(rest, e)
		e.Host = host
		return outcome
	}
	*e = Event{Duration: -1}
	if isTextNotice(b) {
		return NoRequest
	}
	return Syntax
}

// readNothing ignores what follows the agent.
func readNothing(_ *combined, b []byte, _ *Event) Outcome {
	if len(b) > 0 && b[0] != ' ' {
		return Syntax
	}
	return Counted
}
