package survey

// Satisfaction is the built-in survey after a visit, in Turkish and English:
// how satisfied on five points (CSAT, question "satisfaction"), and the open
// question "comment": is there anything else you want to tell us? Each
// call parses it anew: keep the result.
func Satisfaction() *Definition { return builtin(satisfactionJSON) }

// Recommendation returns the built-in survey for the net promoter score: whether
// one would recommend the shop, on eleven points (question "nps"), and what else
// one wants to say (question "comment"). Each call parses it anew: keep the result.
func Recommendation() *Definition { return builtin(recommendationJSON) }

// builtin parses a definition of this file; a test holds that each parses
// without findings.
func builtin(src string) *Definition {
	d, err := Parse([]byte(src), Limits{})
	if err != nil {
		return &Definition{raw: []byte("{}")}
	}
	return d
}

// openQuestion ends both built-in surveys.
const openQuestion = `{
  "type": "comment", "name": "comment", "maxLength": 2000, "rows": 4,
  "title": {
    "default": "Is there anything else you want to tell us?",
    "tr": "Bize söylemek istediğiniz başka bir şey var mı?"
  }
}`

const satisfactionJSON = `{
 "x-retail": {"name": "satisfaction", "version": "1"},
 "locale": "tr",
 "title": {"default": "How was your visit?", "tr": "Ziyaretiniz nasıldı?"},
 "pages": [{"name": "p1", "elements": [
  {
   "type": "rating", "name": "satisfaction", "isRequired": true, "rateMin": 1, "rateMax": 5,
   "x-retail": {"metric": "csat"},
   "title": {
    "default": "How satisfied are you with your visit?",
    "tr": "Ziyaretinizden ne kadar memnun kaldınız?"
   },
   "minRateDescription": {"default": "Not at all satisfied", "tr": "Hiç memnun kalmadım"},
   "maxRateDescription": {"default": "Very satisfied", "tr": "Çok memnun kaldım"}
  },
  ` + openQuestion + `
 ]}]
}`

const recommendationJSON = `{
 "x-retail": {"name": "recommendation", "version": "1"},
 "locale": "tr",
 "title": {"default": "Would you recommend us?", "tr": "Bizi önerir misiniz?"},
 "pages": [{"name": "p1", "elements": [
  {
   "type": "rating", "name": "nps", "isRequired": true, "rateMin": 0, "rateMax": 10,
   "x-retail": {"metric": "nps"},
   "title": {
    "default": "How likely are you to recommend us to a friend?",
    "tr": "Bizi bir yakınınıza ne kadar önerirsiniz?"
   },
   "minRateDescription": {"default": "Never", "tr": "Asla"},
   "maxRateDescription": {"default": "Certainly", "tr": "Kesinlikle"}
  },
  ` + openQuestion + `
 ]}]
}`
