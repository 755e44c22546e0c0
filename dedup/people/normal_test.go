package people

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBirth(t *testing.T) {
	for raw, want := range map[string]string{
		"1985-04-12": "1985-04-12", "19850412": "1985-04-12", "1985-04-12T00:00:00Z": "1985-04-12", "1985": "1985", "1985-04": "1985-04",
		"12.04.1985": "1985-04-12", "12/4/1985": "1985-04-12", "2-4-1985": "1985-04-02", "04/31/1985": "1985-04-31",
		"1900-01-01": "", "1970-01-01": "", "01.01.1900": "", "yesterday": "", "": "", "1985/04": "", "1/1": "", "99.99.1985": "1985-99-99",
		"1.2.3.1985": "", "..1985": "", "\xff.1.1985": "",
	} {
		require.Equal(t, want, birth(raw), "%q", raw)
	}
}

func TestNames(t *testing.T) {
	for raw, want := range map[string]string{
		"Dr. Işıl ÇAĞLAR": "isil caglar", "Prof. Dr. Ömer": "omer", "John Smith Jr.": "john smith", "Dr": "dr", "N/A": "", "Müşteri": "", "0000": "",
		"O'Neil-Kaya": "oneil kaya", "Jr": "jr", "Robert Smith III": "robert smith", "Smith Senior": "smith",
	} {
		require.Equal(t, want, name(raw), "%q", raw)
	}
	for raw, want := range map[string]string{
		"Smith Jr.": "2", "SMITH SR": "1", "Robert Smith, Jr": "2", "Smith Sr, Robert": "1", "King III": "3", "Henry iv": "4", "Davis Junior": "2",
		"": "", "Jr": "", "Smith": "", "Ali Sr\xff": "", "van der Sr Berg": "", "Sri": "", "a,": "", ",,": "", "Işıl Çağlar": "",
	} {
		require.Equal(t, want, generation(raw), "%q", raw)
	}
	for raw, want := range map[string]string{
		"Çınar Mahallesi 5. Sokak No: 3": "cinar mah 5 sok no 3", "Cinar Mah. 5. Sk. No 3": "cinar mah 5 sok no 3", "12 Baker Street": "12 baker st", "": "",
	} {
		require.Equal(t, want, street(raw), "%q", raw)
	}
	n := &normalizer{Normalizers: Normalizers{Name: strings.ToUpper}}
	given, family := n.splitName("Kaya, ali")
	require.Equal(t, []string{" ALI", "KAYA"}, []string{given, family}, "a host's own normaliser is asked")
}

func TestNicknames(t *testing.T) {
	more := map[string]string{"joska": "jozsef"}
	n := nickname{newShortNames(more)}
	for _, p := range [][2]string{{"bill", "william"}, {"bill", "liam"}, {"kate", "katherine"}, {"kate", "catherine"}, {"joska", "jozsef"},
		{"bob james", "robert"}, {"fatma", "hatice fatma"}, {"memo", "mehmet ali"}} {
		require.Equal(t, 1.0, n.Compare(p[0], p[1]), "%v", p)
		require.Equal(t, 1.0, n.Compare(p[1], p[0]), "%v", p)
	}
	for _, p := range [][2]string{{"bill", "robert"}, {"ali", "veli"}, {"joska", "joe"}, {"mehmet", "ahmet"}} {
		require.Zero(t, n.Compare(p[0], p[1]), "%v", p)
	}
}

// What is read fast is what the library reads.
func TestFastPhoneLikeSlow(t *testing.T) {
	seen := memo{}
	rapid.Check(t, func(t *rapid.T) {
		raw := "+90" + rapid.StringMatching(`[1-9][0-9]{4,13}`).Draw(t, "abroad")
		if rapid.Bool().Draw(t, "at home") {
			raw = rapid.SampledFrom([]string{"", "0", "0090", "90"}).Draw(t, "start") + rapid.StringMatching(`[1-9][0-9]{9}`).Draw(t, "digits")
		}
		fast, ok, known := fastPhone(raw, "TR")
		e, _ := Phone(raw, "TR")
		require.Equal(t, e, seen.phone(raw, "TR"))
		if !known {
			return
		}
		slow, possible := slowPhone(raw, "TR")
		if ok {
			require.Equal(t, slow, fast, raw)
		} else if possible {
			var digits []byte
			for _, c := range []byte(raw) {
				if c != '+' {
					digits = append(digits, c)
				}
			}
			require.True(t, constant(digits) || len(digits) < 7, raw)
		}
	})
}
