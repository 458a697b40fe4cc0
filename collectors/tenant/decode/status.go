package decode

import "bytes"

// clientClosed is the status of a request whose client left before the answer, as nginx has it. docs/tenants.md lists
// how each program reports such a request.
const clientClosed = 499

// statusOf reads a status as programs write it: 503, 503.0, 5.03e2, 009, "503 Service Unavailable", or a list of which
// the last is what the client got (502, 503). What stands for no answer (nothing, -, 0, a negative number, NaN) is 0;
// what is above three digits is 999. It is false for what is no status.
func statusOf(b []byte) (status int, ok bool) {
	if n, ok := threeDigits(b); ok && len(b) == 3 {
		return n, true
	}
	b = bytes.Trim(b, " \t")
	if i := bytes.LastIndexAny(b, ",:"); i >= 0 && i+1 < len(b) {
		if n, ok := statusOf(b[i+1:]); ok {
			return n, len(bytes.Trim(b[i+1:], " \t")) > 0
		}
	}
	if n, ok := threeDigits(b); ok && len(b) > 4 && b[3] == ' ' && b[4]|0x20 >= 'a' && b[4]|0x20 <= 'z' {
		return n, true
	}
	thousandths, ok := scaled(b, 3)
	switch {
	case ok && thousandths >= 1000*1000:
		return 999, true
	case ok:
		return int(thousandths / 1000), thousandths%1000 == 0
	case len(b) == 0 || string(b) == "NaN":
		return 0, true
	case b[0] == '-':
		return 0, isBareItem(b)
	}
	return 0, false
}

func threeDigits(b []byte) (int, bool) {
	if len(b) < 3 {
		return 0, false
	}
	x, y, z := b[0]-'0', b[1]-'0', b[2]-'0'
	return int(x)*100 + int(y)*10 + int(z), x <= 9 && y <= 9 && z <= 9
}
