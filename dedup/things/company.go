package things

import "strings"

// formOf returns the kind of a legal form of companies, written without blanks and folded:
// j joint stock, l limited liability, p partnership, s sole trader, c co-operative,
// n association and foundation. "" is none. Sources: the forms that the registers of the
// countries list.
func formOf(s string) string {
	switch s {
	// Türkiye, Azerbaijan
	case "as", "anonimsirketi", "anonimsirket", "anonimsti", "anonsirketi", "anonimortakligi", "tas", "turkanonimsirketi", "aso", "asc", "qsc", "asti":
		return "j"
	case "ltdsti", "limitedsirketi", "limitedsti", "ltdsirketi", "ltdst", "limsti", "ltsti", "mmc":
		return "l"
	case "kollsti", "kollektifsirketi", "komsti", "komanditsirketi", "adiortakligi", "isortakligi":
		return "p"
	case "sahissirketi", "sahisisletmesi":
		return "s"
	case "koop", "kooperatifi", "sskoop":
		return "c"
	case "vakfi", "dernegi":
		return "n"
	// Germany, Austria, Switzerland
	case "ag", "kgaa", "se", "aktiengesellschaft":
		return "j"
	case "gmbh", "ggmbh", "mbh", "ug", "ughaftungsbeschrankt", "gesellschaftmitbeschrankterhaftung", "gesmbh":
		return "l"
	case "gmbhcokg", "gmbhcokgaa", "gmbhukg", "gmbhundcokg", "agcokg", "ugcokg", "kg", "ohg", "gbr", "og", "partg", "partgmbb", "cokg":
		return "p"
	case "ek", "ekfm", "ekfr", "eu", "einzelunternehmen":
		return "s"
	case "eg", "egenmbh":
		return "c"
	case "ev":
		return "n"
	// English
	case "plc", "inc", "incorporated", "corp", "corporation", "publiclimitedcompany":
		return "j"
	case "ltd", "limited", "llc", "limitedliabilitycompany", "co", "company", "coltd", "companylimited", "coinc", "pty", "ptyltd", "ptylimited", "pvtltd", "privatelimited", "pteltd", "pte", "dac", "colimited", "cic":
		return "l"
	case "llp", "lp", "lllp", "pllc", "limitedpartnership":
		return "p"
	// France, Belgium, Luxembourg
	case "sa", "sas", "sasu", "societeanonyme", "sca":
		return "j"
	case "sarl", "eurl", "societearesponsabilitelimitee", "srl", "sprl", "bvba":
		return "l"
	case "snc", "scs", "sci", "scp", "gie":
		return "p"
	case "ei", "eirl":
		return "s"
	case "scop", "scoop", "scrl":
		return "c"
	// Italy, Spain, Portugal, Latin America
	case "spa", "sociedadanonima", "sau", "sadecv", "sapidecv", "societaperazioni":
		return "j"
	case "srls", "sl", "slu", "sll", "sociedadlimitada", "lda", "ltda", "limitada", "sderl", "sderldecv", "srldecv", "eireli", "unipessoallda", "societaaresponsabilitalimitata":
		return "l"
	case "sas2", "ss", "sc", "cb":
		return "p"
	case "scoopcl", "scarl", "scpa":
		return "c"
	// the Netherlands, Scandinavia, the Baltics
	case "nv", "asa", "oyj", "abp", "hf", "publab":
		return "j"
	case "bv", "ab", "aps", "oy", "ehf", "uab", "sia", "ou":
		return "l"
	case "vof", "cv", "ks", "ans", "da", "hb", "kb", "maatschap":
		return "p"
	// Poland, Czechia, Hungary, Romania, the Balkans
	case "zrt", "nyrt", "dd", "ad", "spolkaakcyjna":
		return "j"
	case "spzoo", "spolkazoo", "spolkazograniczonaodpowiedzialnoscia", "sro", "spolsro", "kft", "doo", "ood", "eood", "dooel":
		return "l"
	case "spj", "spk", "vos", "bt", "spzoospk":
		return "p"
	// Russia, Ukraine, Kazakhstan
	case "ооо", "ooo", "тоо", "тов", "обществосограниченнойответственностью", "llcooo":
		return "l"
	case "оао", "зао", "пао", "ао", "oao", "zao", "pao", "ao", "нао", "акционерноеобщество":
		return "j"
	case "ип", "ip", "чп":
		return "s"
	// Japan, China
	case "kk", "kabushikikaisha", "株式会社", "股份有限公司":
		return "j"
	case "gk", "有限会社", "有限公司", "合同会社":
		return "l"
	}
	return ""
}

// longestForm is the number of words of a legal form at most.
const longestForm = 6

// anywhere is the number of letters from which a form is cut out of the middle of a name,
// where a branch follows it; shorter ones are words of their own in some language.
const anywhere = 4

// cutForm returns a folded company name without its legal forms, and their kinds. A name
// of which nothing would be left stays.
func cutForm(name string) (rest, kinds string) {
	words := strings.Fields(name)
	cut := func(from, to int) bool {
		if to-from == len(words) {
			return false
		}
		k := formOf(strings.Join(words[from:to], ""))
		if k == "" {
			return false
		}
		if !strings.Contains(kinds, k) {
			kinds += k
		}
		words = append(words[:from:from], words[to:]...)
		return true
	}
	ends := func() bool {
		for n := min(longestForm, len(words)-1); n > 0; n-- {
			if cut(len(words)-n, len(words)) || cut(0, n) {
				return true
			}
		}
		return false
	}
	for ends() {
	}
	for n := min(longestForm, len(words)-1); n > 0; n-- {
		for i := 1; i+n < len(words); i++ {
			if len(strings.Join(words[i:i+n], "")) >= anywhere && cut(i, i+n) {
				break
			}
		}
	}
	if len(kinds) > 1 { // "GmbH & Co. KG" written in two: the last one counts
		kinds = kinds[:1]
	}
	return strings.Join(words, " "), kinds
}

// branchWords are what registers call a branch, folded, each with where its place stands:
// before it, as in Turkish, or after it.
func branchWord(s string) (before, ok bool) {
	switch s {
	case "subesi", "sb", "sube", "magazasi", "mgz", "bayisi", "temsilciligi", "bolgemudurlugu":
		return true, true
	case "branch", "store":
		return true, true
	case "niederlassung", "nl", "zweigniederlassung", "filiale", "zweigstelle", "betriebsstatte", "succursale", "agence", "sucursal", "filial", "filiaal",
		"vestiging", "oddzial", "филиал", "sede", "delegacion":
		return false, true
	}
	return false, false
}

// cutBranch returns a company name without the branch that it names: a word for a branch
// with its place, and what stands in brackets or behind a dash at its end. A name of which
// nothing would be left stays.
func cutBranch(name string) string {
	s := strings.TrimSpace(name)
	if open := strings.LastIndexByte(s, '('); open > 0 && strings.HasSuffix(s, ")") {
		s = strings.TrimSpace(s[:open])
	}
	if dash := strings.LastIndex(s, " - "); dash > 0 {
		s = strings.TrimSpace(s[:dash])
	}
	words := strings.Fields(s)
	for i := len(words) - 1; i > 0; i-- {
		before, ok := branchWord(Fold(words[i]))
		switch {
		case !ok:
		case before && i > 1 && i == len(words)-1:
			words = words[:i-1]
		case !before && i < len(words)-1:
			words = words[:i]
		}
		if ok {
			break
		}
	}
	return strings.Join(words, " ")
}
