package search_test

import (
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/search"
)

// TestDates is in New York on 10 March 2024, when clocks go from 2 to 3.
func TestDates(t *testing.T) {
	const (
		winter = "T00:00-05:00"
		summer = "T00:00-04:00"
	)
	today := "added[2024-03-10" + winter + "..2024-03-11" + summer + ")"
	checkCompiled(t, newLanguage(t), []compiled{
		{"date:today", today},
		{"date:_TODAY", today},
		{"date:yesterday", "added[2024-03-09" + winter + "..2024-03-10" + winter + ")"},
		{"date:thismonth", "added[2024-03-01" + winter + "..2024-04-01" + summer + ")"},
		{"date:>_thismonth", "added[2024-04-01" + summer + "..)"},
		{"date:10daysago", "added[2024-02-29" + winter + "..2024-03-01" + winter + ")"},
		{"date:>=-1daysago", "added[2024-03-11" + summer + "..)"},
		{`date:"< 2_daysago"`, "(added[..2024-03-08" + winter + ") or not has added)"},
		{"date:true", "has added"},
		{"last_modified:FALSE", "not has modified"},
		{"date:2", "none"},
		{"pubdate:2020", "published[2020-01-01" + winter + "..2021-01-01" + winter + ")"},
		{"pubdate:=2020-2", "published[2020-02-01" + winter + "..2020-03-01" + winter + ")"},
		{"pubdate:2020-07-31", "published[2020-07-31" + summer + "..2020-08-01" + summer + ")"},
		{"pubdate:7/31/2020", "published[2020-07-31" + summer + "..2020-08-01" + summer + ")"},
		{"pubdate:31/7/2020", "published[2020-07-31" + summer + "..2020-08-01" + summer + ")"},
		{"pubdate:7/2020", "published[2020-07-01" + summer + "..2020-08-01" + summer + ")"},
		{"pubdate:2020.07.31", "published[2020-01-01" + winter + "..2021-01-01" + winter + ")"},
		{"pubdate:20200731", "published[2020-01-01" + winter + "..2021-01-01" + winter + ")"},
		{`pubdate:"31 July 2020"`, "published[2020-01-01" + winter + "..2021-01-01" + winter + ")"},
		{`pubdate:"July 31st, 2020"`, "published[2020-01-01" + winter + "..2021-01-01" + winter + ")"},
		{"pubdate:31-jul-2020", "published[2020-07-31" + summer + "..2020-08-01" + summer + ")"},
		{"pubdate:sept-2020", "published[2020-09-01" + summer + "..2020-10-01" + summer + ")"},
		{"pubdate:1/7/98", "published[1998-01-07" + winter + "..1998-01-08" + winter + ")"},
		{"pubdate:98-01-07", "published[1998-01-07" + winter + "..1998-01-08" + winter + ")"},
		{"pubdate:2020-07-31T23:00:00Z", "published[2020-07-31" + summer + "..2020-08-01" + summer + ")"},
		{`pubdate:"2020-07-31 23:00"`, "published[2020-07-31" + summer + "..2020-08-01" + summer + ")"},
		// Four numbers: whole where they are equal, else a month.
		{"pubdate:2020-07-31T23:00:00-0700", "published[2020-08-01" + summer + "..2020-08-02" + summer + ")"},
		{"pubdate:>2020-07-31T23:00:00-0700", "published[2020-09-01" + summer + "..)"},
		{"pubdate:>=2020", "published[2020-01-01" + winter + "..)"},
		{"pubdate:>2020-12", "published[2021-01-01" + winter + "..)"},
		{"pubdate:<=2020", "(published[..2021-01-01" + winter + ") or not has published)"},
		{"pubdate:!=2020", "(published[..2020-01-01" + winter + ") or published[2021-01-01" + winter + "..) or not has published)"},
		{"#bought:!=2020", "(#bought[..2020-01-01" + winter + ") or #bought[2021-01-01" + winter + "..))"},
		{"#bought:<2020", "#bought[..2020-01-01" + winter + ")"},
		// The date that stands for none was in New York a day of the year before.
		{`pubdate:">="`, "published[0101-01-01T00:00-04:56..)"},
	})
}

func TestUnknownDates(t *testing.T) {
	l := search.New(fields(), nil, search.Options{Location: time.UTC})
	checkCompiled(t, l, []compiled{
		{`pubdate:">="`, "(published[0101-01-01T00:00+00:00..) or not has published)"},
		{"pubdate:<0001", "none"},
		{"pubdate:>=0001", "(published[..) or not has published)"},
		{"pubdate:101", "(published[0101-01-01T00:00+00:00..0102-01-01T00:00+00:00) or not has published)"},
		{"#bought:0101", "#bought[0101-01-01T00:00+00:00..0102-01-01T00:00+00:00)"},
	})
}

// TestStartOfDay has zones in which a day does not begin at midnight, or begins
// twice, or is left out.
func TestStartOfDay(t *testing.T) {
	for _, c := range []struct{ zone, text, from, to string }{
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // begins at 1
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"}, // 23 twice
		{"America/Havana", "2023-11-05", "2023-11-05T04:00:00Z", "2023-11-06T05:00:00Z"},    // 0 twice
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},      // left out
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		{"Asia/Kolkata", "2024-01-01", "2023-12-31T18:30:00Z", "2024-01-01T18:30:00Z"},
	} {
		l := search.New(fields(), nil, search.Options{Location: zone(t, c.zone)})
		p, err := l.Parse("date:" + c.text)
		if err != nil {
			t.Fatal(err)
		}
		d := p.Expr.(catalog.During)
		if from, to := d.From.UTC().Format(time.RFC3339), d.To.UTC().Format(time.RFC3339); from != c.from || to != c.to {
			t.Errorf("%s in %s is from %s to %s, should be from %s to %s", c.text, c.zone, from, to, c.from, c.to)
		}
	}
}
