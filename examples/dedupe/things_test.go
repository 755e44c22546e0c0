package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shops returns the products of two shops as CSV, each of which has every product once.
func shops() (ours, theirs string) {
	var a, b strings.Builder
	fmt.Fprintln(&a, "id,product_name,marka,fiyat,thing")
	fmt.Fprintln(&b, "sku;title;brand;price;thing")
	makers, sorts := []string{"Casio", "Seiko", "Citizen"}, []string{"Kol Saati", "Duvar Saati", "Masa Saati", "Cep Saati"}
	for i := range 120 {
		code := fmt.Sprintf("%c%c-%d", 'A'+i%26, 'A'+i*7%26, 100+i*37%900)
		price := 100 + i*91%2000
		fmt.Fprintf(&a, "%d,\"%s %s %s %d mm\",%s,\"%d,00 TL\",%d\n", i, makers[i%3], sorts[i%4], code, 36+i%8, makers[i%3], price, i)
		if i%3 > 0 {
			fmt.Fprintf(&b, "%d;%s %s %s;%s;%d;%d\n", 1000+i, strings.ReplaceAll(code, "-", ""), strings.ToLower(sorts[i%4]), makers[i%3], strings.ToUpper(makers[i%3]), price+i%5, i)
		}
	}
	return a.String(), b.String()
}

// Case E8: a file of products is recognised, said to be one and linked as one; the model that
// is written links the same.
func TestThings(t *testing.T) {
	ours, theirs := shops()
	in, in2 := put(t, "ours.csv", ours), put(t, "theirs.csv", theirs)
	dir := t.TempDir()
	model, page, clusters := filepath.Join(dir, "m.json"), filepath.Join(dir, "r.html"), filepath.Join(dir, "c.csv")
	out, errs := start(t, "-in", in, "-in2", in2, "-one-per-source", "file", "-truth", "thing", "-json", "-model", model, "-report", page, "-out", clusters)
	require.Contains(t, errs, "it is read as a list of things")
	require.Contains(t, errs, "maker      marka")
	var s summary
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Equal(t, ofThings, s.Of)
	require.Equal(t, 200, s.Rows)
	require.GreaterOrEqual(t, s.Truth.Clusters.F1, 0.95)
	require.Empty(t, s.Warnings)
	require.Equal(t, []string{"id=id,name=product_name,maker=marka,price=fiyat", "name=title,maker=brand,code=sku,price=price"}, s.Columns)
	rows := cells(t, clusters)
	require.Len(t, rows, 201)
	again := filepath.Join(dir, "c2.csv")
	out, _ = start(t, "-in", in, "-in2", in2, "-one-per-source", "file", "-model", model, "-out", again)
	require.Contains(t, out, " things; ")
	require.Equal(t, rows, cells(t, again))
}

// A file has several columns of codes: a thing is found by any of them, where the first is a
// number of the shop's own, too.
func TestSeveralCodes(t *testing.T) {
	var b strings.Builder
	fmt.Fprintln(&b, "Stok Kodu;Ürün Adı;Barkod;Model No;thing")
	for i := range 150 {
		name := fmt.Sprintf("%s %s", []string{"Kordon", "Kasa", "Cam", "Pil", "Tepe"}[i%5], []string{"siyah", "beyaz", "gri"}[i%3])
		fmt.Fprintf(&b, "A%05d;%s;86900%08d;;%d\n", 7*i+11, name, i*7919, i)
		fmt.Fprintf(&b, "B-%04d;%s;86900%08d;;%d\n", 9000-13*i, strings.ToUpper(name[:3])+name[3:], i*7919, i)
	}
	out, errs := start(t, "-in", put(t, "stock.csv", b.String()), "-truth", "thing", "-json")
	for _, column := range []string{"code       Stok Kodu", "code       Barkod", "code       Model No"} {
		require.Contains(t, errs, column)
	}
	var s summary
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Equal(t, []string{"name=Ürün Adı,code=Stok Kodu,code=Barkod,code=Model No"}, s.Columns)
	require.GreaterOrEqual(t, s.Truth.Clusters.F1, 0.95)

	// -map names them, too.
	out, _ = start(t, "-in", put(t, "stock.csv", b.String()), "-of", "things", "-map", "name=Ürün Adı,code=Stok Kodu+Barkod", "-truth", "thing", "-json")
	var mapped summary
	require.NoError(t, json.Unmarshal([]byte(out), &mapped))
	require.Equal(t, s.Truth.Clusters, mapped.Truth.Clusters)
}

// A list of companies is one, and a warning is told where the names tell nothing.
func TestCompanies(t *testing.T) {
	var b strings.Builder
	fmt.Fprintln(&b, "Firma Adı,Şehir")
	for i := range 300 {
		word := fmt.Sprintf("%c%c%c%cek", 'B'+i%20, "aeiou"[i%5], 'b'+i*3%20, "aeiou"[i/5%5])
		fmt.Fprintf(&b, "%s%s Gıda San. ve Tic. A.Ş.,İzmir\n", word, []string{"", "al", "or"}[i%3])
		if i%2 == 0 {
			fmt.Fprintf(&b, "%s%s GIDA SANAYİ VE TİCARET ANONİM ŞİRKETİ,\n", strings.ToUpper(word), []string{"", "AL", "OR"}[i%3])
		}
	}
	out, errs := start(t, "-in", put(t, "firms.csv", b.String()))
	require.Contains(t, errs, "it is read as a list of companies")
	require.Contains(t, out, "450 rows are ")
	require.Contains(t, out, " companies; ")

	out, _ = start(t, "-in", put(t, "plain.csv", "city\nAnkara\nBursa\n"), "-of", "things", "-map", "city=city", "-json")
	var s summary
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.NotEmpty(t, s.Warnings)
}

// What is read as persons and what is not.
func TestDecide(t *testing.T) {
	for header, want := range map[string]string{
		"id,title,authors,venue,year":                       ofThings,
		"id|name|description|price":                         ofThings,
		"Ürün Adı;Marka;Barkod;Fiyat":                       ofThings,
		"name,address,city,cuisine":                         ofThings,
		"company,street,city,vkn":                           ofCompanies,
		"Unvan,Vergi No,Adres,Telefon":                      ofCompanies,
		"first_name,last_name,company,price":                ofPeople,
		"name,phone,city,price":                             ofPeople,
		"Order ID,Name,Email,Phone,Product,Price,Total":     ofPeople,
		"musteri_adi,soyadi,marka,fiyat":                    ofPeople,
		"name,phone,type":                                   ofPeople,
		"title,first name,surname,date of birth,occupation": ofPeople,
	} {
		rows := strings.Map(func(r rune) rune {
			if strings.ContainsRune(",;|", r) {
				return r
			}
			return -1
		}, header)
		path := put(t, "f.csv", header+"\n"+strings.ReplaceAll(rows, "", "x")+"\n")
		o, err := parse([]string{"-in", path}, &strings.Builder{})
		require.NoError(t, err)
		tab := file(path)
		_, _, closer, err := tab.start()
		require.NoError(t, err)
		require.NoError(t, closer())
		j := &job{o: o, tables: []*table{tab}}
		require.Equal(t, want, j.decide(), header)
	}
}

func TestThingsRefused(t *testing.T) {
	path := put(t, "f.csv", "name,price\na,1\n")
	require.Contains(t, fails(t, "-in", path, "-of", "pets"), "-of")
	require.Contains(t, fails(t, "-in", path, "-of", "things", "-map", "given=name"), "there is no role \"given\" of things")
	require.Contains(t, fails(t, "-in", path, "-of", "things", "-map", "name"), "is not role=column")
	require.Contains(t, fails(t, "-in", path, "-of", "things", "-map", "name=titel"), "there is no column \"titel\"")
	require.Contains(t, fails(t, "-in", path, "-of", "things", "-mapping", "m.json"), "-mapping")
	require.Contains(t, fails(t, "-in", put(t, "g.csv", "foo,bar\n1,2\n"), "-of", "things"), "no column says anything about a thing")
	model := filepath.Join(t.TempDir(), "m.json")
	start(t, "-in", path, "-model", model)
	require.Contains(t, fails(t, "-in", path, "-of", "companies", "-model", model), "model does not fit")
}
