package index

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// word is an expression of nothing but text and what must hold around it, as
// \bword\b, which is asked for often: it is found without a machine.
type word struct {
	text          string
	before, after syntax.EmptyOp
}

// wordsOf returns the words that an unfolded expression is a choice of, nil if
// there is more to it.
func wordsOf(re *syntax.Regexp) []word {
	switch re.Op {
	case syntax.OpLiteral:
		return []word{{text: string(re.Rune)}}
	case syntax.OpCapture:
		return wordsOf(re.Sub[0])
	case syntax.OpConcat:
		return edgedWords(re.Sub)
	case syntax.OpAlternate:
		var all []word
		for _, sub := range re.Sub {
			words := wordsOf(sub)
			if words == nil {
				return nil
			}
			all = append(all, words...)
		}
		return all
	}
	return nil
}

// edgedWords returns the words of one expression between others that match
// nothing but places.
func edgedWords(subs []*syntax.Regexp) []word {
	var words []word
	var before, after syntax.EmptyOp
	for _, sub := range subs {
		if op := conditionOf(sub); op != 0 {
			if words == nil {
				before |= op
			} else {
				after |= op
			}
			continue
		}
		if words != nil {
			return nil
		}
		if words = wordsOf(sub); words == nil {
			return nil
		}
	}
	for i := range words {
		words[i].before |= before
		words[i].after |= after
	}
	return words
}

func conditionOf(re *syntax.Regexp) syntax.EmptyOp {
	switch re.Op {
	case syntax.OpBeginText:
		return syntax.EmptyBeginText
	case syntax.OpEndText:
		return syntax.EmptyEndText
	case syntax.OpBeginLine:
		return syntax.EmptyBeginLine
	case syntax.OpEndLine:
		return syntax.EmptyEndLine
	case syntax.OpWordBoundary:
		return syntax.EmptyWordBoundary
	case syntax.OpNoWordBoundary:
		return syntax.EmptyNoWordBoundary
	}
	return 0
}

// in tells whether the word is in a text.
func (w *word) in(text string) bool {
	for from := 0; from <= len(text); from++ {
		i := strings.Index(text[from:], w.text)
		if i < 0 {
			return false
		}
		from += i
		if w.before&^around(text, from) == 0 && w.after&^around(text, from+len(w.text)) == 0 {
			return true
		}
	}
	return false
}

// around returns what holds at a place in a text.
func around(text string, at int) syntax.EmptyOp {
	before, after := rune(-1), rune(-1)
	if at > 0 {
		before, _ = utf8.DecodeLastRuneInString(text[:at])
	}
	if at < len(text) {
		after, _ = utf8.DecodeRuneInString(text[at:])
	}
	return between(before, after) | edgeBetween(before, after)
}
