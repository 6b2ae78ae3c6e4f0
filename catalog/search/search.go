// Package search understands Calibre's search language, as the manual's page
// "The search interface" describes it and Calibre's own parser reads it
// (utils/search_query_parser.py, db/search.py).
//
// A [Language] is what the expressions of one library can name: its fields and
// custom columns, virtual libraries, saved searches, user categories and groups
// of fields. It makes catalog's expressions of text, in which names are looked
// up and dates such as "yesterday" are absolute, so that whatever evaluates
// them need not know Calibre:
//
//	l := search.New(fields, preferences, search.Options{})
//	p, err := l.Parse(`author:holloway and not tags:"=Sea Stories"`)
//	page, err := reader.Books(ctx, catalog.Query{Where: p.Expr})
//
// [NewReader] gives any catalog.Reader the role of a catalog.Searcher, with
// which catalog.Search can stand in its queries and in catalog.Restrict.
// [Parse] makes a tree of the syntax alone, whose String is an expression that
// means the same. Errors are catalog.InvalidErrors with Part "q", the position
// and what was expected there.
//
// # The language
//
//	tide clerk                  both words, in any field
//	"tide clerk" or not maps    a phrase; and, or, not, parentheses
//	title:tide                  in one field, also #column
//	tags:"=Sea Stories"         the whole value
//	tags:"=.Sea"  tags:"=..b"   a level and what is below it; a level anywhere
//	title:"~^the"  title:"^été" a regular expression; punctuation counts
//	tags:true  series:false     has a value, has none
//	#pages:>300  size:>2M       numbers: = != < > <= >=, K, M and G
//	rating:4  tags:#>3          stars; how many values
//	pubdate:>=2020-05           dates; today, yesterday, thismonth, 30daysago
//	isbn:978  identifiers:doi:true
//	vl:Name  search:Name  @Category:true
//
// Text is found without regard to case, accents, punctuation and white space.
// The preferences of Calibre's desktop program that change what is found
// (case_sensitive, use_primary_find_in_search, limit_search_columns) are taken
// at their defaults.
//
// # Regular expressions
//
// They are RE2's (package regexp/syntax), which take time in proportion to the
// text; case does not count, and \w, \d, \s, \b and [[:alpha:]] know Unicode.
// Of Python's syntax look-around, references back to groups, atomic groups,
// possessive repetitions, named characters and operations on sets are not
// accepted, and ß is not found by ss. A few that are very slow to find, such as
// [ab].{20}c, are refused where they would have to be tried on much text.
//
// # Where it differs from Calibre
//
// The parity test of package calibre asks both sides several hundred
// expressions and holds this list against what it finds.
//
//   - A column or user category that is not there is an error, where Calibre
//     looks for its name as text: an expression that restricts somebody must
//     not show everything when a column is deleted.
//   - A quote that is not closed is an error; Calibre leaves out the rest.
//   - Values of composite columns are not in the database: to name one is an
//     error, and words without a field are not looked for in them.
//   - Templates are refused.
//   - Half of a letter that stands for two is found: a in æ, 1 in ½. So are
//     parts of the clusters of Thai and Indic scripts.
//   - The year 101 in a custom column is no date; Calibre takes it for one that
//     is before all others.
//   - Not all dates that Calibre guesses are understood: jan2000 is not, "jan
//     2000" is. 1/2/2000 is the second of January.
//   - Regular expressions are RE2's, as above.
//   - series_sort: looks at what the database sorts a series by; Calibre works
//     it out by the language of its books.
//   - Expressions are bounded: 64 KiB, 200 levels, 5,000 terms, 64 of them
//     without a field.
package search
