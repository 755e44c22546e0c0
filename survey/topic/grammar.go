package topic

// The suffixes of Turkish, as a right-linear grammar over folded letters. A line is the name
// of a state and its ways on: what is read, and the state after it. "." ends a word. A is a
// or e, I is i or u (ı, i, u, ü before folding), by harmony with the vowel before; D is d or
// t. Other letters are themselves, also where harmony would have another: ki, ken, bil, yor.
// "(x|y)" is one of several and "?" an optional letter or group. A state after "!" is one
// of the negated copy of the grammar, in which a word that ends is a negated one.
//
// It takes more than grammar allows (a second case after "ki", any causative of any verb):
// what is asked is whether a text means the stem, not whether it is well written.
const turkish = `
nounC: . | lAr pl | I p3 | (Im|In|ImIz|InIz) p1 | A endV | DA loc | DAn endC | In gen | lA endV | CA endV | sIz !nounC | copC
nounV: . | lAr pl | sI p3 | (m|n|mIz|nIz) p1 | y(I|A) endV | DA loc | DAn endC | nIn gen | y?lA endV | CA endV | sIz !nounC | copV
pl: . | I p3 | (Im|In|ImIz|InIz) p1 | A endV | DA loc | DAn endC | In gen | lA endV | CA endV | copC
p1: . | (I|A) endV | DA loc | DAn endC | In gen | lA endV | CA endV | sIz !nounC | copC
p3: . | n(I|A) endV | nDA loc | nDAn endC | nIn gen | y?lA endV | ncA endV | sIz !nounC | copV
loc: . | ki ki | copV
gen: . | ki ki | copC
ki: . | lAr pl | n(I|A) endV | nDA loc | nDAn endC | nIn gen | ylA endV | copV
endC: . | copC
endV: . | copV
copC: (Im|sIn|Iz|sInIz|lAr) q | DIr(lAr)? q | DI past | mIs seen | sA past | ken q | mI q | cAsInA q
copV: (yIm|sIn|yIz|sInIz|lAr) q | DIr(lAr)? q | yDI past | ymIs seen | ysA past | yken q | mI q | cAsInA q
past: . | (m|n|k|nIz|lAr) q | mI q | ysA q | yDI q
seen: . | (Im|sIn|Iz|sInIz|lAr|DIr) q | DI past | sA past | mI q | cAsInA q
q: . | DIr | mI | lAr | DI past
verbC: . | (Il|In|DIr|Ir|Ar|Is|t) voice | tenseC
verbV: . | (n|t|l|nIl|s) voice | tenseV
voice: . | (Il|DIr|t) voice2 | tenseC
voice2: . | (Il|DIr|t) tenseC | tenseC
tenseC: Iyo prog | DI past | mIs seen | AcA fut | (A|I)r aor | mAlI endV | sA past | A opt | (In|InIz) q | sIn(lAr)? q | An nounC | DI dik | mA nounV | mAk nounC | mAg endOf | (I|A)s nounC | (Ip|IncA|ArAk|AlI) q | mAdAn q | mAksIzIn q | DIkcA q | Abil able | mA !no | mI !noprog | AmA !no | AmI !noprog
tenseV: yo prog | DI past | mIs seen | yAcA fut | r aor | mAlI endV | sA past | yA opt | (yIn|yInIz) q | sIn(lAr)? q | yAn nounC | DI dik | mA nounV | mAk nounC | mAg endOf | yIs nounC | (yIp|yIncA|yArAk|yAlI) q | mAdAn q | mAksIzIn q | DIkcA q | yAbil able | mA !no | mI !noprog | yAmA !no | yAmI !noprog
narrow: Iyo prog
able: . | Iyo prog | DI past | mIs seen | AcA fut | Ir aor | sA past | An nounC | DI dik | mA nounV | mAk nounC | Ip q | sIn q | mA !no
no: . | DI past | mIs seen | yAcA fut | z aor | m q | yIz q | mAlI endV | sA past | yA opt | (yIn|yInIz) q | sIn(lAr)? q | yAn nounC | DI dik | mAk nounC | yIs nounC | (yIp|yIncA|yArAk) q | DIkcA q | yAbil able
noprog: yo prog
prog: r progr | . | (m|n|z|lar|s) q
progr: . | copC
aor: . | copC | AttAn q
fut: k futk | g futg | m q | n q
futk: . | copC | lAr pl | tI past
futg: (Im|Iz|In|InIz|ImIz) p1 | I p3
opt: . | (m|yIm|sIn|lIm) q
dik: k dikk | g dikg
dikk: . | tAn q | lAr pl | cA q | tA q
dikg: (Im|In|ImIz|InIz) p1 | I p3 | A q
endOf: (I|A|In) endV
`
