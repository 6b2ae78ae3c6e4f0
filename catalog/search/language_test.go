package search_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/search"
)

// preferences are those of the library of these tests.
func preferences() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"virtual_libraries": json.RawMessage(`{"Sea": "tags:\"=Sea Stories\"", "Bad": "#gone:x", "Loop": "not vl:Loop", "Empty": "", "Blank": " ",
			"Sun": "search:a and not vl:Sea", "Number": 7, "search:Sea": "id:1", "Today": "date:today"}`),
		"saved_searches": json.RawMessage(`{"Holloway": "author:\"=Maren Holloway\"", "A": "title:x", "b": "search:c", "C": "search:b", "Sea": "sea"}`),
		"user_categories": json.RawMessage(`{"Northern": [["Winter", "tags", 0], ["Вера", "authors", 0], ["x", "gone", 0], ["damaged"]],
			"Y.Z": [["Maps", "#genre", 0]], "Me": [["true", "@me", 0]], "No one": [], "a:b": [["Say \"x\"", "tags", 0]]}`),
		"grouped_search_make_user_categories": json.RawMessage(`["people", "My Group"]`),
		"grouped_search_terms": json.RawMessage(`{"people": ["authors", "publisher", "gone"], "nested": ["people"], "numbers": ["#pages", "title"],
			"title": ["tags"], "computed": ["#auto"], "My Group": ["tags"]}`),
	}
}

func fields() []catalog.Field {
	column := func(key catalog.FieldKey, t catalog.FieldType) catalog.Field {
		return catalog.Field{Key: key, Type: t, Custom: true, Stored: true}
	}
	f := catalog.Builtin(true)
	genre := column("#genre", catalog.TypeText)
	genre.Multiple, genre.HasTerms = true, true
	half := column("#half", catalog.TypeRating)
	half.Display = `{"allow_half_stars": true}`
	auto := column("#auto", catalog.TypeComposite)
	auto.Stored = false
	return append(f, genre, half, auto, column("#whole", catalog.TypeRating), column("#cycle", catalog.TypeSeries),
		column("#pages", catalog.TypeInt), column("#price", catalog.TypeFloat), column("#read", catalog.TypeBool),
		column("#bought", catalog.TypeDatetime), column("#mood", catalog.TypeEnumeration), column("#notes", catalog.TypeComments))
}

// zone is where the days of these tests begin, four or five hours late.
func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func newLanguage(t testing.TB) *search.Language {
	t.Helper()
	return search.New(fields(), preferences(), search.Options{
		Location: zone(t, "America/New_York"),
		Now:      func() time.Time { return time.Date(2024, 3, 11, 3, 30, 0, 0, time.UTC) }, // the evening of the 10th
	})
}

type compiled struct{ text, want string }

func checkCompiled(t *testing.T, l *search.Language, list []compiled) {
	t.Helper()
	for _, c := range list {
		p, err := l.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := describe(p.Expr); got != c.want {
			t.Errorf("%s is\n%s, should be\n%s", c.text, got, c.want)
		}
	}
}

func TestText(t *testing.T) {
	checkCompiled(t, newLanguage(t), []compiled{
		{"", "everything"},
		{" \t\u00a0", "everything"},
		{"title:Sea", "title?sea"},
		{"TITLE:ΣΑΣ", "title?σας"},
		{"title:=Sea", "title=sea"},
		{"title:=", "title?="},
		{"title:~^S.a", "title~^S.a"},
		{"title:^O'Dwyer", "title^o'dwyer"},
		{`title:"\\=x"`, "title?=x"},
		{"tags:=.a.b", "tags.a.b"},
		{"tags:=..B", "tags:b"},
		{"tags:..b", "tags?.b"},
		{"tags:~..b", "tags~.b"},
		{"tags:=.", "tags."},
		{"tag:x format:y comment:z", "(tags?x and formats?y and comments?z)"},
		{"title:", "none"},
		{`title:" "`, "none"},
		{"title:true", "has title"},
		{"#genre:FALSE", "not has #genre"},
		{"title:=true", "title=true"},
		{"title:a:b", "title?a:b"},
		{"nope:a", "(*?nope:a or languages?nope:a)"},
		{"published:x", "(*?published:x or languages?published:x)"},
		{"publishers:x", "(*?publishers:x or languages?publishers:x)"},
		{"title_sort:x author_sort:y publisher:z", "(title_sort?x and author_sort?y and publisher?z)"},
		{"series_sort:x uuid:a #notes:b #mood:c #cycle:d", "(series_sort?x and uuid?a and #notes?b and #mood?c and #cycle?d)"},
		{"languages:English", "languages?eng"},
		{"language:=de-AT", "languages=deu"},
		{"languages:~en", "languages~eng"},
		{"languages:zz", "languages?zz"},
		{`languages:"Modern Greek (1453-)"`, "languages?ell"},
		{"ondevice:true or marked:x or in_tag_browser:true or ondevice:x", "none"},
		{"ondevice:false marked:false ondevice:=.", "everything"},
		{"not title:x", "not title?x"},
		{"not not title:x", "title?x"},
		{"title:a or (title:b or tags:c) and id:1", "(title?a or ((title?b or tags?c) and id[1..1]))"},
		{`title:"" and title:x`, "none"},
		{`title:"" or title:x`, "title?x"},
	})
}

func TestEverywhere(t *testing.T) {
	numbers := "series_index[4.5..4.5] stored or rating[4..4] or size[4.5..4.5] or pages[4..4] or #half[4..4] or #whole[4..4]" +
		" or #cycle[4.5..4.5] or #pages[4..4] or #price[4.5..4.5]"
	checkCompiled(t, newLanguage(t), []compiled{
		{"sea", "(*?sea or languages?sea)"},
		{"all:sea", "(*?sea or languages?sea)"},
		{"=German", "(*=german or languages=deu)"},
		{"true", "everything"},
		{"false", "everything"},
		{"not false", "none"},
		{"=.", "everything"},
		{"~x*", "everything"},
		{"~x+", "(*~x+ or languages~x+)"},
		{"4.5", "(*?4.5 or languages?4.5 or " + numbers + ")"},
		{"=٤.٥", "(*=٤.٥ or languages=٤.٥ or " + numbers + ")"},
		{`""`, "none"},
		{"nan", "(*?nan or languages?nan)"},
	})
	p, err := newLanguage(t).Parse("0 or 1")
	if err != nil || !strings.Contains(describe(p.Expr), "not has cover") || !strings.Contains(describe(p.Expr), "or has cover") {
		t.Errorf("%s, %v: 0 and 1 are covers, too", describe(p.Expr), err)
	}
}

func TestIdentifiers(t *testing.T) {
	checkCompiled(t, newLanguage(t), []compiled{
		{"isbn:978", "identifier=isbn?978"},
		{"isbn:=978", "identifier=isbn=978"},
		{"isbn:a:b", "identifier=isbn?a:b"},
		{"isbn:true", "identifier=isbn?"},
		{"isbn:false", "not identifier=isbn?"},
		{"identifiers:978", "identifier??978"},
		{"identifiers:=isbn:=978", "identifier=isbn=978"},
		{"identifier:isbn:978", "identifier?isbn?978"},
		{"identifiers:~is.n:~^9", "identifier~is.n~^9"},
		{"identifiers:isb:true", "identifier=isb?"},
		{"identifiers:=true", "has identifiers"},
		{"identifiers:false", "not has identifiers"},
		{"identifiers:isbn:", "identifier?isbn?"},
		{"identifiers::", "has identifiers"},
		{`identifiers:" isbn : 978 "`, "identifier?isbn?978"},
		{"identifiers:#>1", "identifiers#2..-1"},
		{"isbn:#=0", "identifiers#0..0"},
	})
}

func TestNumbers(t *testing.T) {
	checkCompiled(t, newLanguage(t), []compiled{
		{"#pages:300", "#pages[300..300]"},
		{"#pages:>=300 pages:<=1k", "(#pages[300..] and pages[..1024])"},
		{"#pages:!=1_0", "(#pages[..10] or #pages[10..])"},
		{`#pages:" +٣ "`, "#pages[3..3]"},
		{"size:>1.5M", "size[1572864..]"},
		{"size:true", "has size"},
		{"size:<-inf or size:>inf or size:nan or size:=inf", "none"},
		{"size:!=nan", "has size"},
		{"#price:<.5", "#price[..0.5]"},
		{"rating:4", "rating[4..5]"},
		{"rating:>3", "rating[4..]"},
		{"rating:<4", "rating[..4]"},
		{"#whole:false", "not has #whole"},
		{"#half:3.5", "#half[3.5..3.5]"},
		{"#half:>=3.25", "#half[3..]"},
		{"series_index:2", "series_index[2..2] stored"},
		{"series_index:true", "series_index[..] stored"},
		{"#cycle_index:false", "not has #cycle"},
		{"#cycle_index:1.5", "#cycle[1.5..1.5]"},
		{"id:true", "everything"},
		{"id:false", "none"},
		{"id:>20", "id[20..]"},
		{"cover:true", "has cover"},
		{"cover:0", "not has cover"},
		{"cover:<=1", "everything"},
		{"cover:!=1", "not has cover"},
		{"cover:>1", "none"},
		{"tags:#>3", "tags#4..-1"},
		{"authors:#=2", "authors#2..2"},
		{"formats:#!=2", "(formats#0..1 or formats#3..-1)"},
		{"languages:#<1", "languages#0..0"},
		{"#genre:#<=0", "#genre#0..0"},
		{"tags:#<0 or tags:#=-1", "none"},
		{"tags:#>=-1", "tags#0..-1"},
		{"tags:#3", "tags?#3"},
		{"title:#=3", "title?#=3"},
	})
}

func TestBools(t *testing.T) {
	list := []compiled{
		{"#read:yes", "#read is true"},
		{"#read:_checked", "#read is true"},
		{"#read:NO", "#read is false"},
		{"#read:true", "has #read"},
		{"#read:false", "not has #read"},
		{"#read:empty", "not has #read"},
		{`#read:""`, "none"},
	}
	checkCompiled(t, newLanguage(t), list)
	two := search.New(fields(), map[string]json.RawMessage{"bools_are_tristate": json.RawMessage("false")}, search.Options{})
	checkCompiled(t, two, []compiled{
		{"#read:checked", "#read is true"},
		{"#read:true", "#read is true"},
		{"#read:false", "not #read is true"},
		{"#read:unchecked", "not #read is true"},
		{"#read:blank", "none"},
	})
}

func TestNames(t *testing.T) {
	northern := "(tags=winter or authors=вера)"
	checkCompiled(t, newLanguage(t), []compiled{
		{"vl:Sea", "tags=sea stories"},
		{`vl:""`, "none"},
		{"vl:Blank", "everything"},
		{"vl:Sun", "(title?x and not tags=sea stories)"},
		{"search:=HOLLOWAY", "authors=maren holloway"},
		{"@northern:true", northern},
		{"@Northern:xy", northern},
		{"@Northern:x", "none"},
		{"@northern:false", "not " + northern},
		{"@y:true", "none"},
		{"@y:.true", "#genre=maps"},
		{"@y.z:true", "#genre=maps"},
		{"@y:.false", "not #genre=maps"},
		{"@No one:true", "none"},
		{"people:Maren", "(authors?maren or publisher?maren)"},
		{"@people:false", "not (has authors or has publisher)"},
		{"title:x", "title?x"}, // the field, not the group
		{"@my group:x", "none"},
		{"numbers:3", "(#pages[3..3] or title?3)"},
	})
}

func TestWordsAndUntil(t *testing.T) {
	l := newLanguage(t)
	p, err := l.Parse(`Tide (clerk and "the sea") =x not y (a or b) title:c true \^z`)
	if want := []string{"tide", "clerk", "the sea", "^z"}; err != nil || !reflect.DeepEqual(p.Words, want) || !p.Until.IsZero() {
		t.Errorf("words %q until %v, %v; should be %q", p.Words, p.Until, err, want)
	}
	for text, relative := range map[string]bool{
		"date:today": true, "vl:Today": true, "date:7daysago": true, "date:5/3": true, "date:98": true,
		"date:2020": false, "date:jan-2020": false, "date:2020-05-06": false, "date:true": false,
	} {
		p, err := l.Parse(text)
		if want := time.Date(2024, 3, 11, 0, 0, 0, 0, zone(t, "America/New_York")); err != nil || relative != p.Until.Equal(want) {
			t.Errorf("%s: until %v, %v", text, p.Until, err)
		}
	}
}

func TestDamagedPreferences(t *testing.T) {
	l := search.New(fields(), map[string]json.RawMessage{
		"virtual_libraries": json.RawMessage(`[1]`), "saved_searches": json.RawMessage(`{"a": null, "b": "id:1"}`),
		"user_categories": json.RawMessage(`{"x": 1, "y": [[1, 2], null, ["z", "tags"]]}`), "grouped_search_terms": json.RawMessage(`{`),
		"bools_are_tristate": json.RawMessage(`"no"`),
	}, search.Options{})
	checkCompiled(t, l, []compiled{{"search:b", "id[1..1]"}, {"@y:true", "tags=z"}, {"#read:no", "#read is false"}})
	var bad *catalog.InvalidError
	if _, err := l.Parse("search:a"); !errors.As(err, &bad) {
		t.Error(err)
	}
}
