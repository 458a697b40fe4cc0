package decode

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

// readFields makes an event of the values of a record.
func readFields(d *JSON, e *Event) Outcome {
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
	e.Probe = d.isProbe(uri)
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
	if e.Time = d.time(fTime); e.Time == 0 {
		if e.Time = d.time(fTime2); e.Time == 0 {
			e.Time = d.time(fTime3)
		}
	}
	return Counted
}
