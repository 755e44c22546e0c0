package people

import "strings"

// nicknames are short forms of given names, folded, by the name they stand for. The list is
// short and errs on the side of forms that stand for one name only; hosts add
// theirs in [Options.Nicknames].
var nicknames = shortForms(`
abraham: abe
albert: al bert
alexander: alex sandy sasha xander
andrew: andy drew
anthony: tony
benjamin: ben benny
catherine: cathy kate katie kitty
charles: charlie chuck
christopher: chris topher
daniel: dan danny
david: dave davy
deborah: deb debbie
dorothy: dot dolly
edward: ed eddie ned ted
elizabeth: bess beth betsy betty eliza libby lizzie
eugene: gene
florence: flo florrie
francis: frank
frederick: fred freddie
gerald: gerry
gregory: greg
harold: hal
henry: hal harry hank
isabella: bella
jacob: jake
james: jim jimmy jamie
jeffrey: jeff
jennifer: jen jenny
john: jack johnny
jonathan: jon jonny
joseph: joe joey
joshua: josh
katherine: kathy kate katie kitty
kenneth: ken kenny
lawrence: larry
leonard: len lenny
margaret: maggie meg peggy
mary: polly molly
matthew: matt
michael: mick mickey mike
nathaniel: nat nate
nicholas: nick nicky
patricia: pat patty tricia
patrick: paddy pat
peter: pete
philip: phil pip
raymond: ray
rebecca: becca becky
richard: dick rick ricky
robert: bob bobby rob robbie bert
ronald: ron ronnie
samuel: sam sammy
sarah: sally
stephen: steve
susan: sue susie
theodore: ted teddy theo
thomas: tom tommy
timothy: tim
victoria: vicky
walter: walt wally
william: bill billy will willie liam
abdullah: apo
fatma: fatos fato
hatice: hatce
huseyin: huso
ibrahim: ibo
mehmet: memo
mustafa: mistik musti
ramazan: ramo
suleyman: sulo
zeynep: zeyno
francisco: paco pancho
guadalupe: lupe
jose: pepe
dimitrios: mitsos
georgios: giorgos
johannes: hannes hans
margarete: grete gretel
`)

func shortForms(list string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(list) {
		name, short, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		for s := range strings.FieldsSeq(short) {
			out[s] += name + " " // kate: catherine katherine
		}
	}
	return out
}

// formal returns the names that a short form may stand for, each followed by a blank.
func formal(more map[string]string, word string) string {
	if f, ok := more[word]; ok {
		return f + " "
	}
	return nicknames[word]
}

// isShort reports whether one word is a short form of the other, or both of one name.
func isShort(more map[string]string, a, b string) bool {
	fa, fb := formal(more, a), formal(more, b)
	if fa == "" && fb == "" {
		return false
	}
	names := func(forms, word string) bool {
		for f := range strings.FieldsSeq(forms) {
			if f == word {
				return true
			}
		}
		return false
	}
	if names(fa, b) || names(fb, a) {
		return true
	}
	for f := range strings.FieldsSeq(fa) {
		if names(fb, f) {
			return true
		}
	}
	return false
}
