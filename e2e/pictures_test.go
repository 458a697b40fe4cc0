package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/internal/browsertest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// manyTenants is how many tenants a demonstration has usually.
const manyTenants = 40

// maxPicture is the size of a picture that is kept in git.
const maxPicture = 200 << 10

// TestPictures draws the dashboards of the demonstration with the records of two weeks before into the directory that
// THORBIS_PICTURES names: every dashboard in good health, and some during an outage. With THORBIS_PICTURES_WIDTHS it
// draws every dashboard in both, at each of these widths, in the directories peace and outage, of any size, and with
// THORBIS_PICTURES_MODES in each of these modes before, three minutes after it began. It is what make pictures runs,
// and no test of anything.
func TestPictures(t *testing.T) {
	dir := os.Getenv("THORBIS_PICTURES")
	if dir == "" {
		t.Skip("THORBIS_PICTURES names no directory; make pictures does")
	}
	var widths []int64
	for text := range strings.FieldsSeq(os.Getenv("THORBIS_PICTURES_WIDTHS")) {
		width, err := strconv.ParseInt(text, 10, 64)
		must(t, err)
		widths = append(widths, width)
	}
	tenants, err := strconv.Atoi(cmp.Or(os.Getenv("THORBIS_PICTURES_TENANTS"), strconv.Itoa(manyTenants)))
	must(t, err)
	b := browsertest.Start(t)
	s := startToDraw(t, tenants)
	p := &painter{t: t, b: b, page: "http://" + s.Preview, dir: dir, limited: len(widths) == 0}
	must(t, b.Open(p.page+"/alerts"))
	all := listed(t, b)
	if p.limited {
		for _, d := range all {
			p.draw(d.UID, "/d/"+d.UID+"?theme=dark"+rangeOf(d.UID), 1600, 0)
		}
	}
	p.drawAll("peace", all, widths)
	for mode := range strings.FieldsSeq(os.Getenv("THORBIS_PICTURES_MODES")) {
		must(t, s.SaaS.Break(saas.Mode(mode)))
		sleep(t, 3*time.Minute)
		p.drawAll(mode, all, widths)
		must(t, s.SaaS.Recover())
		sleep(t, time.Minute)
	}
	must(t, s.SaaS.Break(saas.Refuse))
	eventually(t, pageTime+10*time.Second, "the page", func() bool { return len(pages(s, "trigger")) > 0 })
	sleep(t, time.Minute) // until everybody has seen it
	if p.limited {
		p.draw("outage", "/?from=now-15m&theme=dark", 1920, 1080)
		p.draw("outage-light", "/?from=now-15m&theme=light", 1280, 900)
		p.draw("outage-telephone", "/?from=now-15m&theme=dark", 390, 1600)
		p.draw("alerts", "/alerts?theme=dark", 1280, 900)
	}
	p.drawAll("outage", all, widths)
}

// rangeOf is the range of a dashboard's picture: as long as the demonstration runs, except for those of days and weeks.
func rangeOf(uid string) string {
	if uid == metric.DailyDashboard || uid == metric.WeeklyDashboard {
		return ""
	}
	return "&from=now-15m"
}

// startToDraw starts the demonstration with so many tenants and waits until there is something of everything.
func startToDraw(t *testing.T, tenants int) *stack.Stack {
	t.Helper()
	addresses, err := stack.FreeAddresses(1)
	must(t, err)
	s, err := stack.Start(t.Context(), stack.Options{
		Bin: bin(), Addresses: addresses, Progress: t.Output(), Pages: t.Output(), Traffic: 40, Tenants: tenants,
		History: tenants <= manyTenants, // of thousands it takes many minutes
	})
	must(t, err)
	t.Cleanup(s.Stop)
	eventually(t, 15*time.Minute, "some minutes of graphs, of what the records of before lack", func() bool {
		old, err := holds(s.Prometheus, metric.ServiceClassRate.Name+" offset 8m")
		return err == nil && old
	})
	return s
}

// painter draws pages of the preview as files.
type painter struct {
	t         *testing.T
	b         *browsertest.Browser
	page, dir string
	limited   bool // a picture that is too large is an error
}

// drawAll draws every dashboard at some widths.
func (p *painter) drawAll(when string, all []entry, widths []int64) {
	for _, width := range widths {
		for _, d := range all {
			p.draw(fmt.Sprintf("%s/%d-%s", when, width, d.UID), "/d/"+d.UID+"?theme=dark"+rangeOf(d.UID), width, 0)
		}
		p.draw(fmt.Sprintf("%s/%d-alerts", when, width), "/alerts?theme=dark", width, 0)
	}
}

// draw draws a page, the whole of it if height is 0.
func (p *painter) draw(name, path string, width, height int64) {
	p.t.Helper()
	telephone := width < 500
	must(p.t, p.b.Size(width, max(height, 1000), telephone))
	must(p.t, p.b.Open(p.page+path))
	began := time.Now()
	if strings.HasPrefix(path, "/alerts") {
		must(p.t, p.b.Wait(settled))
	} else {
		_, err := look(p.b)
		must(p.t, err)
	}
	took := time.Since(began)
	if height == 0 { // the whole page
		must(p.t, p.b.Size(width, eval[int64](p.t, p.b, `document.documentElement.scrollHeight`), telephone))
		must(p.t, p.b.Wait(settled))
		sleep(p.t, time.Second) // graphs follow the size
	}
	picture, err := p.b.Picture()
	must(p.t, err)
	small, err := shrink(picture)
	must(p.t, err)
	if p.limited && len(small) > maxPicture {
		p.t.Errorf("%s has %d bytes, at most %d", name, len(small), maxPicture)
	}
	file := filepath.Join(p.dir, name+".png")
	must(p.t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(p.t, os.WriteFile(file, small, 0o644))
	p.t.Logf("%s: %d KiB, drawn in %.1f s", name, len(small)>>10, took.Seconds())
	for _, e := range p.b.Errors() {
		p.t.Errorf("%s: the console shows: %s", name, e)
	}
}

// shrink writes a PNG with 256 colours: those that it uses most, of which those that are strong count more, because
// they say something on few dots, and those that are nearly the same count as one.
func shrink(text []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	bounds := full.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	counts := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	weight := func(c color.RGBA) int {
		if max(c.R, c.G, c.B)-min(c.R, c.G, c.B) > 100 {
			return 20 * counts[c]
		}
		return counts[c]
	}
	most := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(rank(a), rank(b)))
	})
	var palette color.Palette
	taken := map[color.RGBA]bool{}
	for _, c := range most {
		like := color.RGBA{c.R >> 3, c.G >> 3, c.B >> 3, 0}
		if !taken[like] && len(palette) < 256 {
			palette = append(palette, c)
		}
		taken[like] = true
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
