package index

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// everyRune calls f for all characters but surrogates.
func everyRune(f func(r rune)) {
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if r < 0xd800 || r >= 0xe000 {
			f(r)
		}
	}
}

// TestFoldForms: a character folds alike however it is encoded, in whichever
// case, and when it was folded before.
func TestFoldForms(t *testing.T) {
	f := newFolder()
	everyRune(func(r rune) {
		if raceEnabled && r%61 != 0 {
			return // some of every script; the others need no race detector
		}
		s := string(r)
		full, plain := f.fold(s), f.bare(s)
		for _, form := range []norm.Form{norm.NFC, norm.NFD} {
			if n := form.String(s); n != s && (f.fold(n) != full || f.bare("x"+n) != "x"+plain || f.bare("ß"+n+"y") != "ss"+plain+"y") {
				t.Errorf("%U %c: %q, normalised %q", r, r, full, f.fold(n))
			}
		}
		if got := f.fold(full); got != full {
			t.Errorf("%U %c: %q, folded again %q", r, r, full, got)
		}
		if got := f.bare(full); got != plain {
			t.Errorf("%U %c: bare %q, of what was folded %q", r, r, plain, got)
		}
		if got := f.bare(f.lower(s)); got != plain {
			t.Errorf("%U %c: bare %q, of the lower case %q", r, r, plain, got)
		}
		if got := f.bare("x" + s); got != "x"+plain && !unicode.Is(unicode.M, r) {
			t.Errorf("%U %c: bare %q, behind a letter %q", r, r, plain, got)
		}
	})
}

// TestFoldLong: the memory of characters makes no difference.
func TestFoldLong(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	f := newFolder()
	for range 200 {
		var text, full, plain strings.Builder
		for range 200 {
			c := rune(r.IntN(0x3400))
			if unicode.Is(unicode.M, c) || !norm.NFC.PropertiesString(string(c)).BoundaryBefore() {
				continue
			}
			text.WriteRune(c)
			full.WriteString(newFolder().fold(string(c)))
			plain.WriteString(newFolder().bare(string(c)))
		}
		if got := f.fold(text.String()); got != full.String() {
			t.Fatalf("%q: %q, want %q", text.String(), got, full.String())
		}
		if got := f.bare(text.String()); got != plain.String() {
			t.Fatalf("%q: %q, want %q", text.String(), got, plain.String())
		}
	}
}

func TestFoldAllocates(t *testing.T) {
	f := newFolder()
	f.fold(strings.Repeat("é", foldFew+1))
	for s, want := range map[string]float64{
		"": 0, "tide clerk, 2nd edition": 0, "图书馆": 0, "зима": 0, "Tide": 1, "Größe": 1, "ЗИМА": 1,
	} {
		if got := testing.AllocsPerRun(100, func() { f.fold(s) }); got != want {
			t.Errorf("%q: %v allocations", s, got)
		}
	}
}

// scripts are what is written in several of them, in pieces between which a
// reader sees a boundary. Texts are made of these to hold them against Calibre.
func scripts() []string {
	return []string{
		"a ä á à å A Ä B c de é f - . , ' ’ “ ( & + = $ < | ~ 1 2 ² ① ı i I İ o ø ł đ ð þ ſ a\u0323\u0301 \t",
		"æ œ ß ĳ ﬁ ﬀ ™ № ½ ǆ a e o s i j f t m n d z 1 2 / -",
		"А а Б б Й й И и Ё ё Е е ѐ Ї і ́ ґ г ў у ќ к є ђ ь - — « » . \u0306",
		"Α α Ά ά Β β Σ σ ς Ϊ ϊ ΐ ΰ ώ Ω Ω ω · ; ᾽",
		"א ב ג ך כ ם מ ן נ ף פ ץ צ יִ שׁ שּׂ ־ ׳ ״",
		"ا ب ت آ أ ؤ إ ئ ء ى ي ك ة ه لا اً لُ لّ ـ ٠ ١ ٢ ۳ ، ؟ \u0653",
		"क ख ग कि की कु कृ क्ष त्र नं ज़ मा मो १ २ । ॐ",
		"か が カ ガ ｶ ｶﾞ は ぱ ハ パ ヽ ー ゝ あ ぁ ア っ つ 、 。 「 」 ・",
		"图 書 館 硝 子 日 本 〇 一 １ ２ ３ 。 ，",
		"가 각 간 갈 나 낙 다 라 ㄱ",
		"ก ขา ค งุ จ ชิ ด ต้า กั",
	}
}

// halved tells whether a difference is the known one: Calibre does not find
// one letter of what is two or more.
func halved(text string, got, calibre bool) bool {
	return got && !calibre && strings.ContainsAny(text, "æœßĳﬁﬀ™№½ǆÆŒĲǄ")
}

// TestContainsAsCalibre holds what is found in what against Calibre's answers,
// for random texts.
func TestContainsAsCalibre(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var asked struct {
		Pairs [][2]string `json:"pairs"`
		Texts []string    `json:"texts"`
	}
	for _, script := range scripts() {
		pieces := strings.Split(script, " ")
		draw := func(n int) []string {
			s := make([]string, n)
			for i := range s {
				s[i] = append(pieces, " ")[r.IntN(len(pieces)+1)]
			}
			return s
		}
		for range 1500 {
			text := draw(1 + r.IntN(12))
			needle := draw(1 + r.IntN(3))
			if r.IntN(2) == 0 { // something that is there, in another case
				from := r.IntN(len(text))
				needle = text[from : from+1+r.IntN(len(text)-from)]
			}
			pair := [2]string{strings.ToUpper(strings.Join(needle, "")), strings.Join(text, "")}
			if r.IntN(4) == 0 && pieces[0] != "가" {
				pair[1] = norm.NFD.String(pair[1])
			}
			asked.Pairs = append(asked.Pairs, pair)
		}
	}
	everyRune(func(r rune) {
		if unicode.In(r, unicode.L, unicode.Nl, unicode.So) && unicode.ToLower(r) != r {
			asked.Texts = append(asked.Texts, string(r))
		}
	})
	asked.Texts = append(asked.Texts, "ΣΊΣΥΦΟΣ", "ΟΔΟΣ ΟΔΟΣ. ΟΔΟΣ'Α Σ ΑΣ", "ISTANBUL İSTANBUL", "STRASSE ẞ", "ǅ")

	var answer struct {
		Found [][2]bool
		Lower []string
	}
	askCalibre(t, "testdata/contains.py", &asked, &answer)
	f := newFolder()
	for i, p := range asked.Pairs {
		for k, kind := range []catalog.TextKind{catalog.Anywhere, catalog.Punctuated} {
			m, err := newMatcher(catalog.Text{Kind: kind, Value: p[0]})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.match(p[1]); got != answer.Found[i][k] && !halved(p[1], got, answer.Found[i][k]) {
				t.Errorf("%+q in %+q (%s), kind %d: %v, Calibre says otherwise (%q in %q)", p[0], p[1], p[1], kind, got, f.fold(p[0]), f.fold(p[1]))
			}
		}
	}
	for i, s := range asked.Texts {
		if got := f.lower(s); got != answer.Lower[i] {
			t.Errorf("%q in lower case: %q, Calibre says %q", s, got, answer.Lower[i])
		}
	}
}

// askCalibre runs a script that reads question from the file that is its
// argument and prints an answer.
func askCalibre(t *testing.T, script string, question, answer any) {
	t.Helper()
	calibretest.RequireCalibre(t)
	code, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "question.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(calibretest.Debug(t, string(code), file)), answer); err != nil {
		t.Fatal(err)
	}
}

// FuzzFold: whatever the bytes, forms are valid text that does not change any
// more, and what stands in a text stands in its forms.
func FuzzFold(f *testing.F) {
	for _, s := range append(scripts(), "a\xffb", "\x00", "e\u0301\u0323\u0306", "и\u0323\u0306", "각", "각", "\u0344") {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, s string, cut int) {
		f := newFolder()
		full, plain := f.fold(s), f.bare(s)
		if !utf8.ValidString(full) || !utf8.ValidString(plain) || strings.Contains(plain, "\x00") {
			t.Errorf("%q: %q, %q", s, full, plain)
		}
		if f.fold(full) != full || f.bare(full) != plain || f.bare(plain) != plain {
			t.Errorf("%q: %q, again %q; bare %q, again %q", s, full, f.fold(full), plain, f.bare(full))
		}
		if !utf8.ValidString(s) || cut < 0 || cut >= len(s) || !utf8.RuneStart(s[cut]) || !norm.NFC.PropertiesString(s[cut:]).BoundaryBefore() {
			return
		}
		if f.fold(s[:cut])+f.fold(s[cut:]) != full && !unicode.Is(unicode.M, []rune(s[cut:])[0]) {
			t.Errorf("%q at %d: %q, parts %q and %q", s, cut, full, f.fold(s[:cut]), f.fold(s[cut:]))
		}
	})
}
