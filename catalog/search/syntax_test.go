package search_test

// syntaxTexts are expressions in which something is odd.
var syntaxTexts = []string{
	"a", "a b", "a or b c", "a and or b", "and foo", "or", "or or or", "not", "not not a", `"not" a`, "(a or b) c", "a (b c) d",
	`title:"x y"`, `title:="x"`, `title: "x"`, `title:foo "bar"`, `title:a:b "c"`, "TITLE:x", "nope:x", "nope:x:y", "title:", ":x", "::",
	`"""title:x"""`, `title:"""a:b (c) "d" """`, `"a """ b """ c"`, `""`, `title:""`, `\(a\)`, `"a\"b"`, `"a\\"`, `""""a"""`, `"""""""`,
	"@a b:x", `@a b:"c d" title:e`, "@news:", "@news:.x y", "@a(b):(c)", "()", ")", "a)", "(a", "(a))", "a or", "a and", "all:not", "all:x",
	"not (not a or b) and not c", "a and b or c and d", "title:not", `"AND" b`, "not(a)", "a(b)c", "\x01\x02",
}
