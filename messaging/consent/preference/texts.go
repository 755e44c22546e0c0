package preference

import (
	"strings"

	"github.com/vefacrm/vefa/internal/plainpage"
)

// page is what the template shows.
type page struct {
	Brand, Lang, Title, Body string
	Back                     string // where a link back leads; empty: no link
	Leave, Confirm           bool   // which forms there are
	Choices                  []box
	T                        *texts
}

type box struct {
	Name, Label string
	On          bool
}

const layout = `<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Title}}</title><meta name="viewport" content="width=device-width,initial-scale=1"><style>` + plainpage.Style + `</style></head><body>{{with .Brand}}<header><strong>{{.}}</strong></header>{{end}}<main><h1>{{.Title}}</h1><p>{{.Body}}</p>
{{- if .Leave}}<form method="post"><button type="submit" name="do" value="leave">{{.T.Leave}}</button></form>{{end}}
{{- if .Choices}}<form method="post"><fieldset><legend>{{.T.Choose}}</legend><div class="s">
{{- range .Choices}}<input type="hidden" name="was-{{.Name}}" value="{{if .On}}1{{else}}0{{end}}"><label><input type="checkbox" name="on-{{.Name}}" value="1"{{if .On}} checked{{end}}>{{.Label}}</label>{{end -}}
</div></fieldset><button type="submit" name="do" value="save">{{.T.Save}}</button></form>{{end}}
{{- if .Confirm}}<form method="post"><button type="submit" name="do" value="confirm">{{.T.Yes}}</button></form><p>{{.T.NotYou}}</p>{{end}}
{{- with .Back}}<p><a href="{{.}}">{{$.T.BackText}}</a></p>{{end}}</main></body></html>
`

// texts are what the pages say, in one language.
type texts struct {
	Title, Intro, Leave, Choose, Save string
	Done, DoneBody, BackText          string
	Confirm, Yes, NotYou              string
	Confirmed, ConfirmedBody          string
	Expired, ExpiredBody              string
	NotFound, NotFoundBody            string
	Unavailable, UnavailableBody      string
	Refused, RefusedBody              string
}

var english = texts{
	Title: "What may we send you?", Intro: "You can stop all our messages with one click, or choose what you want. You need not log in or give a reason.",
	Leave: "Stop all messages", Choose: "What you want to get", Save: "Save",
	Done: "It is done", DoneBody: "From now on your choice holds.", BackText: "See what holds now",
	Confirm: "Please confirm", Yes: "Yes, I want this", NotYou: "If you did not ask for this, do nothing: without your click nothing is sent.",
	Confirmed: "Thank you", ConfirmedBody: "You have confirmed it.",
	Expired: "This link has expired", ExpiredBody: "Nothing was changed.",
	NotFound: "We cannot find this page", NotFoundBody: "Please open the link in your message again.",
	Unavailable: "Something went wrong on our side", UnavailableBody: "Nothing was changed. Please try again in a few minutes.",
	Refused: "We could not accept this", RefusedBody: "Please open the link in your message again and choose there.",
}

var turkish = texts{
	Title: "Size neler gönderebiliriz?", Intro: "Tüm iletilerimizi tek tıkla durdurabilir ya da istediklerinizi seçebilirsiniz. Giriş yapmanız veya neden belirtmeniz gerekmez.",
	Leave: "Tüm iletileri durdur", Choose: "Almak istedikleriniz", Save: "Kaydet",
	Done: "Tamamlandı", DoneBody: "Seçiminiz şu andan itibaren geçerli.", BackText: "Geçerli seçimleri gör",
	Confirm: "Lütfen onaylayın", Yes: "Evet, istiyorum", NotYou: "Bunu siz istemediyseniz bir şey yapmanız gerekmez: tıklamadığınız sürece size bir şey gönderilmez.",
	Confirmed: "Teşekkür ederiz", ConfirmedBody: "Onayınızı aldık.",
	Expired: "Bu bağlantının süresi doldu", ExpiredBody: "Hiçbir şey değiştirilmedi.",
	NotFound: "Bu sayfayı bulamadık", NotFoundBody: "Lütfen mesajınızdaki bağlantıyı yeniden açın.",
	Unavailable: "Bizde bir aksaklık oldu", UnavailableBody: "Hiçbir şey değiştirilmedi. Lütfen birkaç dakika sonra yeniden deneyin.",
	Refused: "Bunu kabul edemedik", RefusedBody: "Lütfen mesajınızdaki bağlantıyı yeniden açıp orada seçin.",
}

// textsFor gives the texts of a language and the language they are in.
func textsFor(lang string) (*texts, string) {
	if base, _, _ := strings.Cut(lang, "-"); strings.EqualFold(base, "tr") {
		return &turkish, "tr"
	}
	return &english, "en"
}
