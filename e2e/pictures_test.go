package e2e

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/internal/browsertest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxPicture is the size of a picture that is kept in git.
const maxPicture = 200 << 10

// TestPictures draws every dashboard of the demonstration in good health, and some during an outage, into the directory
// that THORBIS_PICTURES names. It is what make pictures runs, and no test of anything.
func TestPictures(t *testing.T) {
	dir := os.Getenv("THORBIS_PICTURES")
	if dir == "" {
		t.Skip("THORBIS_PICTURES names no directory; make pictures does")
	}
	must(t, os.MkdirAll(dir, 0o755))
	b := browsertest.Start(t)
	s := start(t, 1, 40)
	eventually(t, 10*time.Minute, "throughput", func() bool {
		n, err := query(s.Prometheus, metric.TenantRate.Name)
		return err == nil && n > 0
	})
	sleep(t, 2*time.Minute) // of graphs
	draw := func(name, path string, width, height int64) {
		must(t, b.Size(width, max(height, 1000), width < 500))
		must(t, b.Open("http://"+s.Preview+path))
		_, err := look(b)
		must(t, err)
		if height == 0 { // the whole page
			must(t, b.Size(width, eval[int64](t, b, `document.documentElement.scrollHeight`), false))
			must(t, b.Wait(settled))
			sleep(t, time.Second) // graphs follow the size
		}
		picture, err := b.Picture()
		must(t, err)
		small, err := shrink(picture)
		must(t, err)
		if len(small) > maxPicture {
			t.Errorf("%s has %d bytes, at most %d", name, len(small), maxPicture)
		}
		must(t, os.WriteFile(filepath.Join(dir, name+".png"), small, 0o644))
		t.Logf("%s: %d KiB", name, len(small)>>10)
	}
	must(t, b.Open("http://"+s.Preview+"/alerts"))
	for _, d := range listed(t, b) {
		draw(d.UID, "/d/"+d.UID+"?from=now-15m&theme=dark", 1600, 0)
	}
	must(t, s.SaaS.Break(saas.Refuse))
	eventually(t, pageTime+10*time.Second, "the page", func() bool { return len(pages(s, "trigger")) > 0 })
	sleep(t, time.Minute) // until everybody has seen it
	draw("outage", "/?from=now-15m&theme=dark", 1920, 1080)
	draw("outage-light", "/?from=now-15m&theme=light", 1280, 900)
	draw("outage-telephone", "/?from=now-15m&theme=dark", 390, 1600)
	draw("alerts", "/alerts?theme=dark", 1280, 900)
}

// shrink writes a PNG with the 256 colours that it uses most; a picture of a page has few others.
func shrink(text []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	bounds := full.Bounds()
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(rank(a), rank(b)))
	})
	var palette color.Palette
	for _, c := range most[:min(256, len(most))] {
		palette = append(palette, c)
	}
	small, nearest := image.NewPaletted(bounds, palette), map[color.RGBA]uint8{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			small.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&out, small)
	return out.Bytes(), err
}

// rank orders colours that are as frequent.
func rank(c color.RGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }
