package qr_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/qr"
)

const link = "HTTPS://S.EXAMPLE/K7Q29F3MX2TD"

func TestSize(t *testing.T) {
	c, err := qr.New(link, qr.M)
	require.NoError(t, err)
	require.Equal(t, 25, c.Size(), "capitals take 25 x 25")
	c, err = qr.New(strings.ToLower(link), qr.M)
	require.NoError(t, err)
	require.Equal(t, 29, c.Size())
	c, err = qr.New("12345678901234567890123456789012", qr.M)
	require.NoError(t, err)
	require.Equal(t, 21, c.Size())
	for _, bad := range []string{"", strings.Repeat("x", 1001)} {
		_, err := qr.New(bad, qr.M)
		require.ErrorIs(t, err, qr.ErrText)
	}
	_, err = qr.New("x", qr.Level(9))
	require.ErrorIs(t, err, qr.ErrText)
}

func TestSVG(t *testing.T) {
	c, err := qr.New(link, qr.M)
	require.NoError(t, err)
	for look, ink := range map[qr.Look]string{{}: "#000000", {Dark: "#123456"}: "#123456", {Dark: "#ffff00"}: "#000000", {Dark: `"/><script>`}: "#000000"} {
		look.Title = `How <was> "it"?`
		svg := c.SVG(look)
		require.NoError(t, xml.Unmarshal(svg, new(struct{})))
		require.Contains(t, string(svg), `fill="`+ink+`"`)
		require.Contains(t, string(svg), "How &lt;was&gt;")
	}
	require.Less(t, len(c.SVG(qr.Look{})), 4500)
	require.Contains(t, string(c.SVG(qr.Look{})), "<title>QR code</title>")
	require.False(t, c.Dark(-1, 0) || c.Dark(0, c.Size()))
}

func TestText(t *testing.T) {
	c, err := qr.New(link, qr.M)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(c.Text(), "\n"), "\n")
	require.Len(t, lines, (c.Size()+4+1)/2)
}

// shown is a code as a camera may see it.
type shown struct {
	name, text string
	img        *image.Gray
}

// pictures are codes turned, blurred over three eighths of a module, those of the level H
// with a seventh of them hidden under a patch in their middle. A patch of a fifth touches
// 34 to 40 % of the codewords of small codes, of which H may lose 30 %.
func pictures(t *testing.T) (out []shown) {
	r := rand.New(rand.NewPCG(16, 1))
	texts := []string{link, "https://musteri.example.com.tr/s/7hQ2kZ?a=1&b=ş", strings.Repeat("VEFA ", 30)}
	for i, text := range texts {
		for _, level := range []qr.Level{qr.L, qr.M, qr.Q, qr.H} {
			c, err := qr.New(text, level)
			require.NoError(t, err)
			img := grey(t, c)
			name := fmt.Sprintf("%d-%d", i, level)
			out = append(out, shown{name, text, img}, shown{name + "-blurred", text, blurred(img, 1)})
			for _, degrees := range []float64{7, 45, 180} {
				out = append(out, shown{fmt.Sprintf("%s-turned-%v", name, degrees), text, turned(img, degrees)})
			}
			if level == qr.H {
				for k := range 5 {
					out = append(out, shown{fmt.Sprintf("%s-covered-%d", name, k), text, covered(img, c.Size(), .14, r)})
				}
			}
		}
	}
	return out
}

// turned is the image on a white ground, by bilinear sampling.
func turned(img *image.Gray, degrees float64) *image.Gray {
	w := img.Rect.Dx()
	side := int(float64(w)*1.5) + 1
	out := image.NewGray(image.Rect(0, 0, side, side))
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	grey := func(x, y int) float64 {
		if x < 0 || y < 0 || x >= w || y >= w {
			return 255
		}
		return float64(img.Pix[y*img.Stride+x])
	}
	for y := range side {
		for x := range side {
			dx, dy := float64(x)-float64(side)/2, float64(y)-float64(side)/2
			fx, fy := dx*cos+dy*sin+float64(w)/2, -dx*sin+dy*cos+float64(w)/2
			ix, iy := int(math.Floor(fx)), int(math.Floor(fy))
			ax, ay := fx-float64(ix), fy-float64(iy)
			v := grey(ix, iy)*(1-ax)*(1-ay) + grey(ix+1, iy)*ax*(1-ay) + grey(ix, iy+1)*(1-ax)*ay + grey(ix+1, iy+1)*ax*ay
			out.Pix[y*out.Stride+x] = uint8(v)
		}
	}
	return out
}

// blurred has the mean of each neighbourhood.
func blurred(img *image.Gray, radius int) *image.Gray {
	w := img.Rect.Dx()
	out := image.NewGray(img.Rect)
	for y := range w {
		for x := range w {
			sum, n := 0, 0
			for v := max(y-radius, 0); v <= min(y+radius, w-1); v++ {
				for u := max(x-radius, 0); u <= min(x+radius, w-1); u++ {
					sum += int(img.Pix[v*img.Stride+u])
					n++
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum / n)
		}
	}
	return out
}

// covered hides a share of the modules under a white patch near the middle, as a logo or a
// stain does.
func covered(img *image.Gray, size int, share float64, r *rand.Rand) *image.Gray {
	out := image.NewGray(img.Rect)
	copy(out.Pix, img.Pix)
	side := int(math.Sqrt(share*float64(size*size))) * 8
	from := (img.Rect.Dx() - side) / 2
	patch := image.Rect(0, 0, side, side).Add(image.Pt(from+r.IntN(17)-8, from+r.IntN(17)-8))
	draw.Draw(out, patch, image.White, image.Point{}, draw.Src)
	return out
}

// TestCoveredByAFifth has zbar and jsQR read codes of the level H with a fifth of them under a patch in
// the middle: from version 8 on all, of the smallest code not. A corner that is covered so is read by zbar.
func TestCoveredByAFifth(t *testing.T) {
	const each = 5
	r := rand.New(rand.NewPCG(20, 1))
	var middle, corner, small []shown
	for _, version := range []int{8, 10} {
		c, err := qr.Options{Level: qr.H, MinVersion: version}.New(link)
		require.NoError(t, err)
		require.Equal(t, 17+4*version, c.Size())
		for i := range each {
			middle = append(middle, shown{fmt.Sprintf("middle-%d-%d", version, i), link, covered(grey(t, c), c.Size(), .2, r)})
		}
		img := grey(t, c)
		side, end := int(math.Sqrt(.2)*float64(c.Size())*8), img.Rect.Dx()-4*8
		draw.Draw(img, image.Rect(end-side, end-side, end, end), image.White, image.Point{}, draw.Src)
		corner = append(corner, shown{fmt.Sprintf("corner-%d", version), link, img})
	}
	c, err := qr.Options{Level: qr.H}.New(link)
	require.NoError(t, err)
	for i := range 2 * each {
		small = append(small, shown{fmt.Sprintf("small-%d", i), link, covered(grey(t, c), c.Size(), .2, r)})
	}
	for name, read := range map[string]func(*testing.T, []shown) map[string]string{"zbar": readByZbar, "jsQR": readByJSQR} {
		t.Run(name, func(t *testing.T) {
			got := read(t, slices.Concat(middle, corner, small))
			for _, s := range middle {
				require.Equal(t, link, got[s.name], s.name)
			}
			lost := 0
			for _, s := range small {
				if got[s.name] != link {
					lost++
				}
			}
			require.Positive(t, lost, "the package documentation says that small codes are lost")
			for _, s := range corner {
				if name == "zbar" {
					require.Equal(t, link, got[s.name], s.name)
				}
			}
			t.Logf("%d of %d small codes lost", lost, len(small))
		})
	}
	for _, bad := range []int{-1, 41} {
		_, err := qr.Options{MinVersion: bad}.New(link)
		require.ErrorIs(t, err, qr.ErrText)
	}
	long, err := qr.Options{MinVersion: 2}.New(strings.Repeat("VEFA ", 30))
	require.NoError(t, err)
	same, err := qr.New(strings.Repeat("VEFA ", 30), qr.M)
	require.NoError(t, err)
	require.Equal(t, same, long, "never smaller than its text needs")
}

// grey is a code as a picture, eight pixels a module, by way of a file.
func grey(t *testing.T, c *qr.Code) *image.Gray {
	t.Helper()
	data, err := c.PNG(8)
	require.NoError(t, err)
	decoded, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	img := image.NewGray(decoded.Bounds())
	draw.Draw(img, img.Rect, decoded, image.Point{}, draw.Src)
	return img
}

// need returns the path of a program, or skips.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed: no code was read by it", program)
	}
	return path
}

// files writes the pictures.
func files(t *testing.T, list []shown) (dir string) {
	dir = t.TempDir()
	for _, s := range list {
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, s.img))
		require.NoError(t, os.WriteFile(filepath.Join(dir, s.name+".png"), b.Bytes(), 0o644))
	}
	return dir
}

// TestReadByZbar has zbar read every picture.
func TestReadByZbar(t *testing.T) { readAll(t, readByZbar) }

// TestReadByJSQR has jsQR read every picture.
func TestReadByJSQR(t *testing.T) { readAll(t, readByJSQR) }

func readAll(t *testing.T, read func(*testing.T, []shown) map[string]string) {
	list := pictures(t)
	got := read(t, list)
	for _, s := range list {
		require.Equal(t, s.text, got[s.name], s.name)
	}
	t.Logf("%d pictures", len(list))
}

// readByZbar returns what zbar reads of each picture, "" for nothing.
func readByZbar(t *testing.T, list []shown) map[string]string {
	zbar := need(t, "zbarimg")
	dir := files(t, list)
	out := map[string]string{}
	for _, s := range list {
		text, err := exec.Command(zbar, "-q", "--raw", "--oneshot", filepath.Join(dir, s.name+".png")).Output()
		if err == nil { // it ends with 4 where there is no code
			out[s.name] = strings.TrimSuffix(string(text), "\n")
		}
	}
	return out
}

// readByJSQR does the same with jsQR.
func readByJSQR(t *testing.T, list []shown) map[string]string {
	node := need(t, "node")
	modules := os.Getenv("VEFA_NODE_MODULES")
	if _, err := os.Stat(filepath.Join(modules, "jsqr")); modules == "" || err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatal("VEFA_NODE_MODULES has no jsqr")
		}
		t.Skip("VEFA_NODE_MODULES has no jsqr: no code was read by it")
	}
	cmd := exec.Command(node, "-e", `
const fs = require("fs"), { PNG } = require("pngjs"), jsQR = require("jsqr");
const out = {};
for (const f of fs.readdirSync(process.argv[1])) {
	const p = PNG.sync.read(fs.readFileSync(process.argv[1] + "/" + f));
	const c = (jsQR.default || jsQR)(new Uint8ClampedArray(p.data), p.width, p.height);
	out[f.slice(0, -4)] = c ? c.data : "";
}
console.log(JSON.stringify(out));`, files(t, list))
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	data, err := cmd.Output()
	require.NoError(t, err)
	out := map[string]string{}
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

func FuzzNew(f *testing.F) {
	f.Add(link, 0)
	f.Fuzz(func(t *testing.T, text string, level int) {
		c, err := qr.New(text, qr.Level(level))
		if err == nil {
			c.SVG(qr.Look{Title: text, Dark: text})
		}
	})
}

func ExampleNew() {
	code, err := qr.New("HTTPS://S.EXAMPLE/K7Q29F3MX2TD", qr.M)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(code.Size(), "modules a side")
	// Output: 25 modules a side
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := qr.New(link, qr.M); err != nil {
			b.Fatal(err)
		}
	}
}
