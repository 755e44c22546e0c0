package columns

// meaning is what a word in the name of a column says.
type meaning uint8

const (
	none        meaning = iota
	mGiven              // a given name
	mFamily             // a surname
	mName               // a name of which the other columns say which
	mFull               // all names
	mTitle              // the name under which a customer is kept, where there is no other
	mMiddle             // further given names
	mSuffix             // Jr, III
	mInfix              // van der
	mGender             //
	mBirth              // a date of birth
	mYear               // a part of one
	mMonth              //
	mDay                //
	mPhone              //
	mEmail              //
	mCity               //
	mTown               // a city, or, beside one, a part of it
	mDistrict           //
	mPostcode           //
	mStreet             //
	mAddress            // a street, but "address" says nothing beside "city" or "mail"
	mWay                // a part of a street: its quarter, its road
	mHouse              // the number of the house
	mID                 // an identifier: "id", "code"
	mNumber             // "number": of what, other words say
	mSource             //
	mPerson             // "customer", "contact": whose column it is
	mUser               // "user": says nothing of an e-mail address, and makes a name none
	mFiller             // "primary", "value", "of": nothing
	mBilling            // contexts: whose address it is
	mHome               //
	mWork               //
	mOther              //
	mShipping           //
	mNational           // attributes beyond those of people.Record
	mPassport           //
	mLicence            //
	mBirthplace         //
	mOccupation         //
	mFather             //
	mMother             //
)

// A vocabulary is what one language, or the systems of one kind, call things: words and
// phrases as [headerWords] leaves them, without blanks within a phrase.
type vocabulary struct {
	name  string
	words map[meaning]string
}

// vocabularies are in the order in which the first one to know a word decides.
var vocabularies = []vocabulary{english, turkish, german, french, spanish, dutch, russian, italian, systems}

var english = vocabulary{"English", map[meaning]string{
	mGiven:      "firstname firstnm firstnames first givenname givennames given forename forenames fname christianname",
	mFamily:     "lastname lastnm lastnames last surname surnames familyname family lname",
	mName:       "name names",
	mFull:       "fullname full completename wholename",
	mTitle:      "displayname payer attentionto",
	mMiddle:     "middlename middlenames middle middleinitial midname secondname secondgivenname additionalname mname mi",
	mSuffix:     "suffix namesuffix generation generationsuffix",
	mGender:     "gender sex",
	mBirth:      "birthday birthdate dateofbirth dob birth born bday",
	mYear:       "birthyear yearofbirth yob year",
	mMonth:      "birthmonth monthofbirth month",
	mDay:        "birthdayofmonth dayofbirth dayofmonth day",
	mPhone:      "phone phones telephone telephones tel mobile mobilephone cell cellphone cellular landline whatsapp sms mob ph phoneno phonenum contactnumber contactno",
	mEmail:      "email emails mail emailaddress emailaddresses mailaddress emailid",
	mCity:       "city cityname citynm",
	mTown:       "town suburb locality village",
	mDistrict:   "district neighborhood neighbourhood borough",
	mPostcode:   "postcode postalcode zip zipcode zipcd zippostalcode postalzip zippostal",
	mStreet:     "street streetaddress streetname addressline addrline addressstreet line",
	mAddress:    "address addr fulladdress addressfull addrfull",
	mHouse:      "housenumber houseno housenum streetnumber streetno buildingnumber",
	mID:         "id code key guid uid recordid recid uniqueid rowid externalid",
	mNumber:     "number no num nr",
	mSource:     "source datasource sourcesystem",
	mPerson:     "cust customer customers client clients contact contacts person persons member buyer purchaser patient voter guest consumer individual lead subscriber people personal",
	mUser:       "user login account",
	mFiller:     "primary main default defaultaddress value of the and from preferred current details detail info information text optional required permanent mailing postal formatted",
	mBilling:    "billing bill billto invoice invoicing card cardholder payment",
	mHome:       "home private residence residential",
	mWork:       "work business office daytime",
	mOther:      "other alternate alternative secondary second additional extra evening",
	mShipping:   "shipping ship shipto delivery deliver recipient addressee",
	mNational:   "nationalid nationalidnumber nationalidentitynumber ssn ssnnumber socialsecuritynumber socialsecurity socsecid taxid taxnumber taxno taxcode taxvat vatid vatnumber vat vatno identitynumber identificationnumber",
	mPassport:   "passport passportno passportnumber",
	mLicence:    "licence license licencenumber licensenumber driverslicense driverslicensenumber driverlicense driverlicensenumber",
	mBirthplace: "birthplace placeofbirth cityofbirth",
	mOccupation: "occupation profession job jobtitle position",
	mFather:     "father fathername fathersname",
	mMother:     "mother mothername mothersname mothersmaidenname",
}}

var turkish = vocabulary{"Turkish", map[meaning]string{
	mGiven:      "onad onadi ilkad ilkadi",
	mFamily:     "soyad soyadi soyadiniz soyisim soyismi",
	mFull:       "adsoyad adisoyadi adsoyadi isimsoyisim isimvesoyisim",
	mName:       "ad adi adiniz isim ismi isimler",
	mTitle:      "unvan unvani ticariunvan ticariunvani firmaunvani cariunvan hesapunvani",
	mMiddle:     "ikinciad ikinciadi ikinciisim gobekadi",
	mGender:     "cinsiyet cinsiyeti",
	mBirth:      "dogumtarihi dogumtarih dogumgunu dogum dogumtar",
	mYear:       "dogumyili yil yili",
	mMonth:      "dogumayi ay ayi",
	mDay:        "dogumungunu gun gunu",
	mPhone:      "telefon telefonu telefonlar telno telefonno telefonnumarasi cep ceptel ceptelefonu ceptelefon cepno cepnumarasi gsm gsmno gsmnumarasi sabittelefon sabittel mobil istelefonu istel evtel evtelefonu",
	mEmail:      "eposta epostasi epostaadresi mailadresi elektronikposta",
	mCity:       "il ili sehir sehri",
	mTown:       "semt semti",
	mDistrict:   "ilce ilcesi ",
	mPostcode:   "postakodu postakod",
	mStreet:     "acikadres acikadresi adressatiri",
	mAddress:    "adres adresi",
	mWay:        "sokak sokagi cadde caddesi bulvar bulvari mahalle mahallesi",
	mHouse:      "kapino binano disskapino aptno daireno",
	mID:         "kod kodu kimlik kayitno kayitnumarasi",
	mNumber:     "numara numarasi nosu",
	mSource:     "kaynak kanal",
	mPerson:     "musteri musterinin uye uyenin cari carihesap alici alicinin kisi abone hasta ogrenci tuketici",
	mUser:       "kullanici hesap",
	mFiller:     "ve bilgisi bilgileri birincil ana asil",
	mBilling:    "fatura faturalama",
	mHome:       "ev ikamet ikametgah",
	mWork:       "isyeri",
	mOther:      "diger ikinci yedek",
	mShipping:   "teslimat teslim kargo sevk gonderi sevkiyat",
	mNational:   "tckn tcno tckimlik tckimlikno tckimliknumarasi kimlikno kimliknumarasi vergino verginumarasi vergikimlikno vkn tcknvkn vkntckn tcvergino",
	mPassport:   "pasaport pasaportno",
	mLicence:    "ehliyetno ehliyet",
	mBirthplace: "dogumyeri",
	mOccupation: "meslek meslegi",
	mFather:     "babaadi babaad",
	mMother:     "anneadi annead anaadi anaad annekizliksoyadi",
}}

var german = vocabulary{"German", map[meaning]string{
	mGiven:      "vorname vornamen rufname",
	mFamily:     "nachname nachnamen familienname zuname",
	mFull:       "vollername vollstaendigername vollstandigername",
	mTitle:      "empfaenger empfanger",
	mMiddle:     "zweitername zweitervorname weiterevornamen mittelname",
	mInfix:      "namenszusatz",
	mGender:     "geschlecht",
	mBirth:      "geburtsdatum geburtstag gebdatum geborenam geburt gebdat",
	mYear:       "geburtsjahr jahr",
	mMonth:      "geburtsmonat monat",
	mDay:        "tag",
	mPhone:      "telefonnummer telefonnr handy handynummer handynr mobilnummer mobilnr mobiltelefon festnetz rufnummer telnr",
	mEmail:      "emailadresse mailadresse elektronischepost",
	mCity:       "ort stadt wohnort",
	mDistrict:   "bezirk stadtteil ortsteil",
	mPostcode:   "plz postleitzahl",
	mStreet:     "strasse str strassenr strasseundhausnummer adresszeile anschriftenzeile",
	mWay:        "adresszusatz anschriftzusatz",
	mAddress:    "adresse anschrift",
	mHouse:      "hausnummer hausnr hnr",
	mID:         "schluessel kennung",
	mNumber:     "nummer",
	mSource:     "quelle datenquelle",
	mPerson:     "kunde kunden mitglied kontakt ansprechpartner kontaktperson debitor",
	mFiller:     "und vor der des haupt natuerl naturl adressattyp",
	mBilling:    "rechnung rechnungs",
	mHome:       "privat",
	mWork:       "geschaeftlich geschaftlich dienstlich buero buro beruflich",
	mOther:      "weitere sonstige",
	mShipping:   "lieferung liefer versand",
	mNational:   "steuernummer ustid ustidnr umsatzsteuerid steuerid personalausweisnummer ausweisnummer",
	mPassport:   "reisepassnummer",
	mLicence:    "fuehrerscheinnummer",
	mBirthplace: "geburtsort",
	mOccupation: "beruf",
}}

var french = vocabulary{"French", map[meaning]string{
	mGiven:      "prenom prenoms",
	mFamily:     "nomdefamille nomfamille patronyme nomdusage",
	mName:       "nom noms",
	mFull:       "nomcomplet nometprenom prenometnom",
	mTitle:      "raisonsociale destinataire intitule",
	mMiddle:     "deuxiemeprenom secondprenom",
	mGender:     "sexe genre",
	mBirth:      "datedenaissance datenaissance naissance anniversaire neele nele ddn",
	mYear:       "anneedenaissance annee",
	mMonth:      "moisdenaissance mois",
	mDay:        "jourdenaissance jour",
	mPhone:      "telephonefixe telephoneportable telephonemobile portable mobiletelephone numerodetelephone numerotelephone telfixe telportable fixe",
	mEmail:      "courriel adressemail adresseemail adressemel mel adresseelectronique",
	mCity:       "ville commune localite",
	mDistrict:   "quartier arrondissement",
	mPostcode:   "codepostal cp",
	mStreet:     "rue voie ligneadresse",
	mWay:        "complementdadresse complementadresse complement",
	mHouse:      "numeroderue numerorue numerodevoie",
	mID:         "identifiant reference ref",
	mNumber:     "numero n nº",
	mSource:     "origine",
	mPerson:     "personne adherent membre particulier abonne",
	mFiller:     "de du et principal principale complet complete",
	mBilling:    "facturation facture",
	mHome:       "domicile personnel",
	mWork:       "professionnel travail bureau pro",
	mOther:      "autre secondaire",
	mShipping:   "livraison expedition",
	mNational:   "numerodesecuritesociale numeroidentite tva ntva numerotva",
	mBirthplace: "lieudenaissance lieunaissance",
	mOccupation: "metier",
	mFather:     "nomdupere",
	mMother:     "nomdelamere",
}}

var spanish = vocabulary{"Spanish", map[meaning]string{
	mGiven:      "nombredepila primernombre",
	mFamily:     "apellido apellidos primerapellido",
	mName:       "nombre nombres",
	mFull:       "nombrecompleto nombreyapellidos",
	mTitle:      "razonsocial nombrefiscal denominacion destinatario titular",
	mMiddle:     "segundonombre",
	mSuffix:     "segundoapellido",
	mGender:     "sexo genero",
	mBirth:      "fechadenacimiento fechanacimiento nacimiento fnacimiento cumpleanos fechanac",
	mYear:       "anodenacimiento anonacimiento ano",
	mMonth:      "mesdenacimiento mesnacimiento mes",
	mDay:        "diadenacimiento dianacimiento dia",
	mPhone:      "telefono telefonos movil celular telefonomovil telefonofijo fijo tlf tfno",
	mEmail:      "correo correoelectronico correos direcciondecorreo direcciondecorreoelectronico direccionelectronica",
	mCity:       "ciudad poblacion localidad municipio",
	mDistrict:   "barrio distrito colonia",
	mPostcode:   "codigopostal codpostal cpostal",
	mStreet:     "calle",
	mAddress:    "direccion domicilio",
	mHouse:      "numerodecalle numeroexterior",
	mID:         "codigo identificador referencia",
	mSource:     "origen",
	mPerson:     "cliente clientes contacto persona socio miembro paciente",
	mFiller:     "del y principales completo completa",
	mBilling:    "facturacion factura",
	mHome:       "particular casa",
	mWork:       "trabajo oficina laboral",
	mOther:      "otro otra secundario",
	mShipping:   "envio entrega",
	mNational:   "dni nif nie cif nifcif dninif rfc curp cedula documento identificadorfiscal",
	mPassport:   "pasaporte",
	mBirthplace: "lugardenacimiento",
	mOccupation: "profesion ocupacion",
	mFather:     "nombredelpadre",
	mMother:     "nombredelamadre",
}}

var dutch = vocabulary{"Dutch", map[meaning]string{
	mGiven:      "voornaam voornamen roepnaam",
	mFamily:     "achternaam familienaam",
	mName:       "naam",
	mFull:       "volledigenaam",
	mTitle:      "tenaamstelling ontvanger",
	mMiddle:     "tweedenaam",
	mInfix:      "tussenvoegsel tussenvoegsels voorvoegsel",
	mGender:     "geslacht",
	mBirth:      "geboortedatum geboorte geboren verjaardag",
	mYear:       "geboortejaar jaar",
	mMonth:      "geboortemaand maand",
	mDay:        "geboortedag dag",
	mPhone:      "telefoon telefoonnummer mobiel mobielnummer mobieletelefoon vasttelefoon",
	mEmail:      "emailadres mailadres",
	mCity:       "plaats stad woonplaats plaatsnaam gemeente",
	mDistrict:   "wijk deelgemeente",
	mPostcode:   "postcodenummer",
	mStreet:     "straat straatnaam adresregel",
	mHouse:      "huisnummer huisnr huisnummertoevoeging toevoeging busnummer bus",
	mID:         "klantnummer relatienummer lidnummer relatiecode",
	mSource:     "bron",
	mPerson:     "klant klanten persoon contactpersoon relatie lid debiteur",
	mFiller:     "en van",
	mBilling:    "factuur",
	mHome:       "thuis prive",
	mWork:       "werk zakelijk",
	mOther:      "andere overig",
	mShipping:   "levering bezorg verzend aflever",
	mNational:   "bsn btwnummer burgerservicenummer",
	mBirthplace: "geboorteplaats",
	mOccupation: "beroep",
}}

var russian = vocabulary{"Russian", map[meaning]string{
	mFamily:     "фамилия",
	mName:       "имя",
	mFull:       "фио",
	mTitle:      "наименование название получатель",
	mMiddle:     "отчество",
	mGender:     "пол",
	mBirth:      "датарождения деньрождения рождение",
	mYear:       "годрождения год",
	mMonth:      "месяцрождения месяц",
	mDay:        "день",
	mPhone:      "телефон телефоны мобильный мобильныителефон мобильныйтелефон сотовый номертелефона тел",
	mEmail:      "почта электроннаяпочта адресэлектроннойпочты эпочта емейл",
	mCity:       "город населенныйпункт населенныипункт",
	mDistrict:   "район",
	mPostcode:   "индекс почтовыйиндекс почтовыииндекс",
	mStreet:     "улица",
	mAddress:    "адрес",
	mHouse:      "дом номердома квартира корпус",
	mID:         "код идентификатор",
	mNumber:     "номер",
	mSource:     "источник",
	mPerson:     "клиент клиента контакт контакта покупатель покупателя контрагент контрагента физлицо",
	mFiller:     "и основной полное фактическии фактический",
	mBilling:    "юридическии юридический плательщик плательщика",
	mHome:       "домашний домашняя домашнии",
	mWork:       "рабочий рабочая рабочии",
	mOther:      "дополнительный дополнительныи другой другая другои",
	mShipping:   "доставка доставки",
	mNational:   "инн снилс",
	mPassport:   "паспорт номерпаспорта",
	mBirthplace: "месторождения",
	mOccupation: "профессия должность",
}}

// italian has the words that old lists had, and those beside them.
var italian = vocabulary{"Italian", map[meaning]string{
	mFamily:   "cognome",
	mName:     "nome",
	mBirth:    "datadinascita",
	mGender:   "sesso",
	mPhone:    "cellulare",
	mCity:     "citta comune",
	mStreet:   "indirizzo",
	mPostcode: "cap",
}}

// systems are the names of fields in ERP systems, and the words of their exports that no
// language has.
var systems = vocabulary{"systems", map[meaning]string{
	mGiven:    "namefirst namef primarynamefirst",
	mFamily:   "namelast namel primarynamelast",
	mName:     "primarynamefull",
	mTitle:    "definition cardname mcname",
	mMiddle:   "namemiddle primarynamemiddle",
	mSuffix:   "primarynamesuffix",
	mBirth:    "birthdt gbdat",
	mPhone:    "telf telnumber telnrs telnr cellular mobno cariceptel caritel",
	mEmail:    "smtpaddr emailaddr",
	mCity:     "cityfake",
	mStreet:   "stras strsuppl",
	mPostcode: "pstlz postcodefake pcode",
	mHouse:    "housenum",
	mID:       "kunnr cardcode partnerid entityid userid donotmodifycontact",
	mNational: "stcd taxnr lictradnum",
	mFiller:   "square shopify stripe klaviyo hubspot mailchimp brevo zoho wix paypal ebay etsy amazon woocommerce magento odoo sap po adr",
	mOther:    "sa",
}}
