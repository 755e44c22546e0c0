package columns_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/dedup/people/columns"
)

func TestMappingFile(t *testing.T) {
	m := columns.Mapping{Columns: []columns.Column{{Name: "first", Role: columns.Given}, {Name: "born", Role: columns.Birth, Dates: columns.MonthFirst}, {Name: "job", Role: columns.Extra("occupation")}}}
	var b bytes.Buffer
	n, err := m.WriteTo(&b)
	require.NoError(t, err)
	require.EqualValues(t, b.Len(), n)
	require.Contains(t, b.String(), `"version": 1`)
	got, err := columns.ReadMapping(&b)
	require.NoError(t, err)
	require.Equal(t, m, got)
	require.Equal(t, "birth=born,extra:occupation=job,given=first", m.String())

	column := func(text string) string { return `{"version":1,"columns":[` + text + `]}` }
	for text, want := range map[string]string{
		"":                                     "no JSON of a mapping",
		"[]":                                   "no JSON of a mapping",
		`{"version":2,"columns":[]}`:           "version 2 is not 1",
		`{"columns":[]}`:                       "version 0 is not 1",
		column(""):                             "names no columns",
		column("") + "x":                       "more follows",
		column(`{"name":"a","roll":"id"}`):     `unknown field "roll"`,
		column(`{"name":"a","role":"shoe"}`):   `"a": there is no role "shoe"`,
		column(`{"name":"a","role":"extra:"}`): `there is no role "extra:"`,
		column(`{"name":"","role":"id"}`):      "column 1 has no name",
		column(`{"name":"a","role":"id"},{"name":"a","role":"id"}`):      `"a": has the role id twice`,
		column(`{"name":"a","role":"birth","dates":"ymd"}`):              `dates is "ymd", not dmy or mdy`,
		column(`{"name":"a","role":"given","dates":"dmy"}`):              "dates goes with the role birth only",
		column(strings.Repeat(`{"name":"a","role":"id"},`, 60000) + "1"): "is larger than",
		column(func() string {
			var all []string
			for i := range 7 {
				all = append(all, `{"name":"`+string(rune('a'+i))+`","role":"extra:`+string(rune('a'+i))+`"}`)
			}
			return strings.Join(all, ",")
		}()): "7 extra attributes are more than 6",
	} {
		_, err := columns.ReadMapping(strings.NewReader(text))
		require.ErrorIs(t, err, columns.ErrMapping, "%.80s", text)
		require.ErrorContains(t, err, want)
		var named *columns.MappingError
		require.ErrorAs(t, err, &named)
	}
	// Every fault is said.
	_, err = columns.ReadMapping(strings.NewReader(column(`{"name":"a","role":"shoe"},{"name":"b","role":"hat"}`)))
	require.ErrorContains(t, err, "shoe")
	require.ErrorContains(t, err, "hat")
	_, err = columns.ReadMapping(broken{})
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

func TestLayout(t *testing.T) {
	header := []string{"nr", "first", "middle", "last", "tel1", "tel2", "born", "job"}
	m := columns.Mapping{Columns: []columns.Column{{Name: "nr", Role: columns.ID}, {Name: "first", Role: columns.Given}, {Name: "middle", Role: columns.Given}, {Name: "last", Role: columns.Family},
		{Name: "tel1", Role: columns.Phone}, {Name: "tel2", Role: columns.Phone}, {Name: "born", Role: columns.Birth, Dates: columns.MonthFirst}, {Name: "job", Role: columns.Extra("occupation")}}}
	l, err := m.Bind(header, []string{"shoe", "occupation"})
	require.NoError(t, err)
	l.Year = 2026
	var rec people.Record
	l.Record([]string{"7", "Ada", "Eva", "Kaya", "1", "2", "12/11/78", "clerk"}, &rec)
	require.Equal(t, people.Record{Given: "Ada Eva", Family: "Kaya", Phones: []string{"1", "2"}, Birth: "1978-12-11", Emails: rec.Emails, Extra: []string{"", "clerk"}}, rec)
	require.Empty(t, rec.Emails)
	l.Record([]string{"7", "Ada"}, &rec)
	require.Equal(t, "Ada", rec.Given)
	require.Empty(t, rec.Phones)
	require.Equal(t, []string{"", ""}, rec.Extra)
	require.Equal(t, []int{4, 5}, l.Columns(columns.Phone))

	_, err = m.Bind([]string{"nr", "first", "first", "last"}, nil)
	for _, want := range []string{`"middle": there is no such column; there are nr, first, first, last`, `"first": stands twice`, `"job"`} {
		require.ErrorContains(t, err, want)
	}
	_, err = m.Bind(header, []string{"shoe"})
	require.ErrorContains(t, err, `the attribute "occupation" is none of the records'`)
	_, err = columns.Mapping{Columns: []columns.Column{{Name: "a", Role: "shoe"}}}.Bind([]string{"a"}, nil)
	require.ErrorIs(t, err, columns.ErrMapping)
}

// Case E4: a date of birth in three columns.
func TestBirthInParts(t *testing.T) {
	for _, c := range []struct {
		row   []string
		dates columns.Order
		want  string
	}{
		{[]string{"1953", "12", "13"}, "", "1953-12-13"}, {[]string{"1948", "1", "13"}, "", "1948-01-13"}, {[]string{"1953.0", "2.0", "3.0"}, "", "1953-02-03"},
		{[]string{"13", "12", "1953"}, "", "1953-12-13"}, {[]string{"3", "2", "1953"}, "", "1953-02-03"}, {[]string{"2", "3", "1953"}, columns.MonthFirst, "1953-02-03"}, {[]string{"12", "13", "1953"}, "", "1953-12-13"},
		{[]string{"1953", "Aralık", "13"}, "", "1953-12-13"}, {[]string{"13", "Dezember", "1953"}, "", "1953-12-13"}, {[]string{"1953", "13", "12"}, "", "1953-12-13"},
		{[]string{"1953", "", ""}, "", "1953"}, {[]string{"1953", "", "13"}, "", "1953"}, {[]string{"", "12", "13"}, "", ""}, {[]string{"", "", ""}, "", ""}, {[]string{"x", "y", "z"}, "", "x/y/z"},
		{[]string{"53", "12", "13"}, "", "1953-12-13"}, {[]string{"13", "12", "53"}, "", "1953-12-13"}, {[]string{"1953", "123456", "7"}, "", "1953"},
	} {
		m := columns.Mapping{Columns: []columns.Column{{Name: "a", Role: columns.Birth, Dates: c.dates}, {Name: "b", Role: columns.Birth}, {Name: "c", Role: columns.Birth}}}
		l, err := m.Bind([]string{"a", "b", "c"}, nil)
		require.NoError(t, err)
		l.Year = 2026
		var rec people.Record
		l.Record(c.row, &rec)
		require.Equal(t, c.want, rec.Birth, "%q", c.row)
	}
	l, err := columns.Mapping{Columns: []columns.Column{{Name: "y", Role: columns.Birth}, {Name: "m", Role: columns.Birth}}}.Bind([]string{"y", "m"}, nil)
	require.NoError(t, err)
	var rec people.Record
	l.Record([]string{"1953", "2"}, &rec)
	require.Equal(t, "1953-02", rec.Birth)
}

// FuzzRecognise holds that no table crashes the matcher, that what it reads can be bound,
// and that columns without cells change nothing.
func FuzzRecognise(f *testing.F) {
	f.Add("Name,Phone,y,m,d", "Ada,0532 123 45 67,1980,1,2")
	f.Add("Adres 1,Adres 2,address city - 2", "x,,")
	f.Add("(,((,)),(a/b", "\xff,\x00")
	f.Add("İl,ıL,БББ,last4,first first", "")
	f.Fuzz(func(t *testing.T, names, cells string) {
		header := strings.Split(names, ",")
		row := strings.Split(cells, ",")
		r := columns.Recognise(header, slices.Values([][]string{row, row}))
		require.LessOrEqual(t, len(r.Columns)+len(r.Refused), len(header))
		require.NoError(t, r.Validate())
		l, err := r.Bind(header, nil)
		if err != nil {
			require.ErrorContains(t, err, "stands twice")
			return
		}
		var rec people.Record
		l.Record(row, &rec)
		require.Equal(t, r, columns.Recognise(header, slices.Values([][]string{row, row})), "it is deterministic")
	})
}

func FuzzMapping(f *testing.F) {
	f.Add(`{"version":1,"columns":[{"name":"a","role":"birth","dates":"mdy"}]}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := columns.ReadMapping(strings.NewReader(text))
		if err != nil {
			require.ErrorIs(t, err, columns.ErrMapping)
			return
		}
		var b bytes.Buffer
		_, err = m.WriteTo(&b)
		require.NoError(t, err)
		again, err := columns.ReadMapping(&b)
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}

func Example() {
	header := []string{"Müşteri Adı", "Müşteri Soyadı", "Cep Telefonu", "Puan"}
	rows := [][]string{{"Işıl", "Çağlar", "0532 123 45 67", "12"}}
	reading := columns.Recognise(header, slices.Values(rows))
	for _, c := range reading.Columns {
		fmt.Println(c.Name, "is", c.Role)
	}
	layout, err := reading.Bind(header, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var r people.Record
	layout.Record(rows[0], &r)
	fmt.Println(r.Given, r.Family, r.Phones)
	// Output:
	// Müşteri Adı is given
	// Müşteri Soyadı is family
	// Cep Telefonu is phone
	// Işıl Çağlar [0532 123 45 67]
}
