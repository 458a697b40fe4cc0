package decode

import "bytes"

// status reads a status that is a number, a string of one, or null. What says "no answer" (statusOf) is 0.
func (d *JSON) status(f field) (status int, ok bool) {
	switch d.v.kinds[f] {
	case number:
		if n, ok := d.v.decimal(f); ok && n.fraction == 0 {
			return int(min(n.mantissa, 999)), true
		}
		return statusOf(d.v.raw[f])
	case text:
		return statusOf(d.v.raw[f])
	case null: // it was asked, and there was no answer
		return 0, true
	}
	return 0, false
}

func (d *JSON) first(f, g field) []byte {
	if s := d.v.str(f); len(s) > 0 {
		return s
	}
	return d.v.str(g)
}

func (d *JSON) bytes(f field) (uint64, bool) {
	if k := d.v.kinds[f]; k != text && k != number {
		return 0, false
	}
	if n, ok := d.v.decimal(f); ok {
		return n.scaled(0), true
	}
	n, ok := scaled(d.v.raw[f], 0)
	return n, ok
}

func (d *JSON) time(f field) int64 {
	switch d.v.kinds[f] {
	case number: // in milliseconds or finer: no two are alike
		if n, ok := d.v.decimal(f); ok {
			return int64(n.scaled(epochScale(int(n.whole))))
		}
		t, _ := epoch(d.v.raw[f])
		return t
	case text:
		return d.clock.parse(d.v.raw[f])
	}
	return 0
}

// finishGeneric serves every format whose fields mean what they say.
func finishGeneric(d *JSON, e *Event) Outcome {
	var ok bool
	if e.Status, ok = d.status(fStatus); !ok {
		return NoStatus
	}
	v := &d.v
	e.Host, e.Tenant, e.ID = d.first(fHost, fHost2), v.name(fTenant), v.name(fID)
	uri := d.first(fPath, fPath2)
	if d.path {
		e.Path = pathOf(uri)
	}
	agent := d.header(fAgent)
	if agent == nil {
		agent = v.str(fAgent2)
	}
	e.Probe = d.isProbe(agent, uri)
	if n, ok := v.decimal(fDuration); ok {
		e.Duration = int64(n.scaled(int(d.unit)))
	} else {
		switch v.kinds[fDuration] {
		case text, number:
			e.setDuration(v.raw[fDuration], d.unit)
		case other:
			e.Unreadable, e.Unread = NotADuration, v.raw[fDuration]
		}
	}
	if e.Bytes, ok = d.bytes(fBytes); !ok {
		e.Bytes, _ = d.bytes(fBytes2)
	}
	for _, f := range [3]field{fTime, fTime2, fTime3} {
		if e.Time = d.time(f); e.Time != 0 {
			break
		}
	}
	return Counted
}

// finishCaddy leaves out what the server's other loggers write into the same stream.
func finishCaddy(d *JSON, e *Event) Outcome {
	if logger := d.v.str(fSource); logger != nil && !bytes.HasPrefix(logger, []byte("http.log.access")) {
		return NoRequest
	}
	outcome := finishGeneric(d, e)
	if e.Status == 0 && outcome == Counted {
		e.Status = caddyStatus(&d.v)
	}
	return outcome
}

// finishVercel keeps the one record of a request that holds its outcome.
func finishVercel(d *JSON, e *Event) Outcome {
	v := &d.v
	e.Host, e.ID = d.first(fHost, fHost2), v.str(fID)
	uri := v.str(fPath)
	if d.path {
		e.Path = pathOf(uri)
	}
	e.Probe = d.isProbe(d.header(fAgent), uri)
	if e.Time = d.time(fProxyTime); e.Time == 0 {
		e.Time = d.time(fTime)
	}
	e.Bytes, _ = d.bytes(fBytes)
	if v.minusOne(fProxyStatus) {
		return Revalidation
	}
	if v.missing(fProxyStatus) {
		// The function crashed without an answer. Any other record without the proxy's fields is a line of output.
		if v.minusOne(fStatus) {
			e.Status = 0
			return Counted
		}
		return NoRequest
	}
	var ok bool
	if e.Status, ok = d.status(fProxyStatus); !ok {
		return NoStatus
	}
	return Counted
}

// finishCloudflare keeps what clients asked for.
func finishCloudflare(d *JSON, e *Event) Outcome {
	v := &d.v
	if string(v.str(fContent)) == "tests" && v.missing(fStatus) {
		return Test
	}
	if !endUser(v.name(fSource)) {
		return Subrequest
	}
	outcome := finishGeneric(d, e)
	if outcome != Counted {
		return outcome
	}
	end := d.time(fEnd)
	switch {
	case end == 0 || e.Time == 0:
	case !precise(v.raw[fTime]) || !precise(v.raw[fEnd]):
		e.Unreadable, e.Unread = WholeSeconds, v.raw[fEnd]
	case end < e.Time:
		e.Unreadable, e.Unread = Negative, v.raw[fEnd]
	default:
		e.Duration = end - e.Time
	}
	return Counted
}

// endUser reports whether a ClientRequestSource is a visitor, also one whose own zone is on Cloudflare (a custom domain), or is
// not known. It is written by name, or by number in older jobs (Cloudflare's "ClientRequestSource field").
func endUser(source []byte) bool {
	switch string(source) {
	case "eyeball", "1", "orangeToOrange", "9", "unknown", "0", "":
		return true
	}
	return false
}

// precise reports whether a timestamp is finer than a second: nanoseconds, or RFC 3339 with a fraction.
// Timestamps in whole seconds give no latency.
func precise(b []byte) bool {
	if len(b) > 2 && b[1] == '.' { // 1.79e+18
		n, ok := scaled(b, 0)
		return ok && epochScale(digitsOf(n)) == 0
	}
	return len(b) >= 19 && b[0]-'0' <= 9 && (b[4] != '-' || b[19%len(b)] == '.')
}
