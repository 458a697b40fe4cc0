package decode

import "testing"

// What is understood at once is what the careful way finds: the same end, and the same number in every unit.
func agreeOnNumber(t *testing.T, text []byte) {
	t.Helper()
	end, n := scanDecimal(text, 0)
	if want := scanNumber(text, 0); end != want {
		t.Fatalf("%q ends at %d, want %d", text, end, want)
	}
	if n.whole == 0 {
		return
	}
	if digits := scanDigits(text, 0); int(n.whole) != digits {
		t.Fatalf("%q has %d digits before the point, want %d", text, n.whole, digits)
	}
	for _, scale := range []int{0, 3, 6, 9} {
		if want, ok := scaled(text[:end], scale); !ok || n.scaled(scale) != want {
			t.Fatalf("%q * 10^%d is %d, want %d", text, scale, n.scaled(scale), want)
		}
	}
}

var numbers = []string{
	"0,       ", "200,\"a\":1", "0.123,\"a\":1", "1790000000.123,\"a\":1", "12345678,\"a\":123,",
	"123456789012345,       ", "1234567890123456,       ",
	"923456789012345.1234567,       ", "12345678.1234567,       ", "12345678.12345678,       ",
	"123456789012.1234567,       ", "00,       ", "01,       ", "0.,       ", "1.e5,     ", "1e5,     ", "1.5E5,     ",
	"-1,       ", "1", "12345678", "1.5", "12345678.5", "", "9/:;<=>?", "0.0000001,       ",
	"1\xff\xff\xff\xff\xff\xff\xff\xff",
}

func TestDecimals(t *testing.T) {
	for _, text := range numbers {
		agreeOnNumber(t, []byte(text))
	}
	for _, text := range []string{numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]} {
		if _, n := scanDecimal([]byte(text), 0); n.whole == 0 {
			t.Errorf("%q is not understood at once", text)
		}
	}
}

func FuzzDecimals(f *testing.F) {
	for _, text := range numbers {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { agreeOnNumber(t, text) })
}
