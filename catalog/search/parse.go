package search

import (
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// Bounds of an expression. Calibre has none but its stack; these are far above
// what anybody writes.
const (
	maxText  = 64 << 10 // bytes
	maxDepth = 200      // of parentheses and "not" in each other
	maxTerms = 5000
)

// Parse returns the tree of an expression, nil if it is blank. isLocation says
// which names, in lower case, may stand before a colon: what begins with
// another is a word, colon and all. An error is a *catalog.InvalidError with
// Part "q".
func Parse(text string, isLocation func(name string) bool) (Node, error) {
	if len(text) > maxText {
		return nil, invalid(0, "", "the expression is longer than 64 KiB", "at most 65,536 bytes")
	}
	if isBlank(text) {
		return nil, nil
	}
	tokens, open := lex(text)
	if open >= 0 {
		return nil, invalid(open, string([]rune(text)[open:]), "a quote is not closed:", `a closing "`)
	}
	p := parser{tokens: tokens, isLocation: isLocation, end: len([]rune(text))}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.i < len(p.tokens) { // only a ) stops it before the end
		return nil, invalid(p.at(), ")", "no parenthesis is open for this", "the end of the expression, an operator or a word")
	}
	return n, nil
}

// parser goes through tokens by Calibre's grammar:
//
//	or   = and [ "or" or ]
//	and  = not [ [ "and" ] and ]
//	not  = "not" not | "(" or ")" | word | quoted
//
// Where an operand is expected "and" and "or" are words. Operators are also
// recognised in quotes.
type parser struct {
	tokens     []token
	i          int
	end        int // position after the text
	isLocation func(string) bool
	depth      int
	terms      int
}

func (p *parser) or() (Node, error) {
	n, err := p.and()
	if err != nil || !p.isNext("or") {
		return n, err
	}
	all := flatten(Or{}, n)
	for p.isNext("or") {
		p.i++
		if n, err = p.and(); err != nil {
			return nil, err
		}
		all = flatten(all, n)
	}
	return all, nil
}

func (p *parser) and() (Node, error) {
	var all And
	for {
		n, err := p.not()
		if err != nil {
			return nil, err
		}
		if more, ok := n.(And); ok {
			all = append(all, more...)
		} else {
			all = append(all, n)
		}
		switch {
		case p.isNext("and"):
			p.i++
		case p.i == len(p.tokens), p.tokens[p.i].kind == closeToken, p.isNext("or"):
			if len(all) == 1 {
				return all[0], nil
			}
			return all, nil
		}
	}
}

func flatten(all Or, n Node) Or {
	if more, ok := n.(Or); ok {
		return append(all, more...)
	}
	return append(all, n)
}

func (p *parser) not() (Node, error) {
	if p.i == len(p.tokens) {
		return nil, invalid(p.end, "", "the expression ends too early", "a word or a parenthesis")
	}
	t := p.tokens[p.i]
	nested := t.kind == openToken || p.isNext("not")
	if !nested {
		return p.term()
	}
	if p.depth == maxDepth {
		return nil, invalid(t.at, "", "the expression is nested too deeply", "at most "+strconv.Itoa(maxDepth)+" levels")
	}
	p.depth++
	defer func() { p.depth-- }()
	p.i++
	if t.kind != openToken {
		x, err := p.not()
		if err != nil {
			return nil, err
		}
		return Not{x}, nil
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.i == len(p.tokens) {
		return nil, invalid(p.end, "", "a parenthesis is not closed", "a )")
	}
	p.i++ // only a ) stops an expression before the end
	return n, nil
}

// isNext reports whether an operator is next.
func (p *parser) isNext(operator string) bool {
	return p.i < len(p.tokens) && lower(p.tokens[p.i].text) == operator
}

// at returns the position of the next token.
func (p *parser) at() int {
	if p.i < len(p.tokens) {
		return p.tokens[p.i].at
	}
	return p.end
}

func (p *parser) term() (Node, error) {
	t := p.tokens[p.i]
	if t.kind == closeToken {
		return nil, invalid(t.at, ")", "a parenthesis closes too early", "a word or an opening parenthesis")
	}
	if p.terms++; p.terms > maxTerms {
		return nil, invalid(t.at, "", "too many terms", "at most 5,000 terms")
	}
	p.i++
	if t.kind == quotedToken {
		return Term{Value: t.text, Pos: t.at, ValuePos: t.valueAt}, nil
	}
	name, value, found := strings.Cut(t.text, ":")
	name = lower(name)
	if !found || !p.isLocation(name) {
		if found && len(name) > 1 && name[0] == '#' {
			return nil, invalid(t.at, name, "there is no column", "a column of the library")
		}
		if found && len(name) > 1 && name[0] == '@' {
			return nil, invalid(t.at, name, "there is no user category", "a user category of the library")
		}
		return Term{Value: t.text, Pos: t.at, ValuePos: t.at}, nil
	}
	n := Term{Field: name, Value: value, Pos: t.at, ValuePos: t.valueAt}
	// Quoted text takes the place of what stands before it: title:="x" is
	// title:x. Only where another colon is there it is a term of its own.
	if !strings.Contains(value, ":") && p.i < len(p.tokens) && p.tokens[p.i].kind == quotedToken {
		q := p.tokens[p.i]
		p.i++
		n.Value, n.ValuePos = q.text, q.valueAt
	}
	if name == "all" {
		n.Field = ""
	}
	if n.Value == "" && name[0] == '@' {
		n.Value = " " // means the same, and can be written
	}
	return n, nil
}

// invalid makes an error about the expression.
func invalid(at int, value, reason, expected string) error {
	const most = 60
	if r := []rune(value); len(r) > most {
		value = string(r[:most]) + "…"
	}
	return &catalog.InvalidError{Part: "q", Value: value, Reason: reason, Position: at, Expected: expected}
}
