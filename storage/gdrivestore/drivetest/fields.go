package drivetest

import (
	"reflect"
	"strings"
)

// mask is which fields of an object are wanted. The zero mask is none.
type mask struct {
	all bool
	sub map[string]mask
}

func (m mask) has(name string) bool {
	_, ok := m.sub[name]
	return m.all || ok
}

// of returns the mask for the object in a field.
func (m mask) of(name string) mask {
	if m.all {
		return m
	}
	return m.sub[name]
}

func some(names ...string) mask {
	m := mask{sub: make(map[string]mask)}
	for _, name := range names {
		m.sub[name] = mask{all: true}
	}
	return m
}

func (m mask) with(name string, sub mask) mask {
	m.sub[name] = sub
	return m
}

func (m mask) union(o mask) mask {
	if m.all || o.all {
		return mask{all: true}
	}
	u := mask{sub: make(map[string]mask, len(m.sub)+len(o.sub))}
	for name, sub := range m.sub {
		u.sub[name] = sub
	}
	for name, sub := range o.sub {
		u.sub[name] = u.sub[name].union(sub)
	}
	return u
}

// fieldsError names the part of a mask that is not one.
type fieldsError string

func (e fieldsError) Error() string { return "Invalid field selection " + string(e) }

// parseFields reads the fields parameter for an answer of type t, of the generated
// client, which says what fields there are.
func parseFields(s string, t reflect.Type) (mask, error) {
	p := fieldsParser{s}
	m, err := p.list(t)
	if err == nil && p.rest != "" {
		err = fieldsError(p.rest)
	}
	return m, err
}

type fieldsParser struct{ rest string }

// take returns the name that is next, or else the sign, and goes on behind it.
func (p *fieldsParser) take() string {
	p.skip()
	n := strings.IndexFunc(p.rest, func(r rune) bool { return strings.ContainsRune(",()/ \t\n", r) })
	switch {
	case n < 0:
		n = len(p.rest)
	case n == 0:
		n = 1
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	p.skip()
	return name
}

func (p *fieldsParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\n") }

func (p *fieldsParser) accept(sign string) bool {
	rest, ok := strings.CutPrefix(p.rest, sign)
	if ok {
		p.rest = rest
		p.skip()
	}
	return ok
}

func (p *fieldsParser) list(t reflect.Type) (mask, error) {
	m := mask{sub: make(map[string]mask)}
	for {
		one, err := p.item(t)
		if err != nil {
			return mask{}, err
		}
		m = m.union(one)
		if !p.accept(",") {
			return m, nil
		}
	}
}

func (p *fieldsParser) item(t reflect.Type) (mask, error) {
	name := p.take()
	if name == "*" {
		return mask{all: true}, nil
	}
	field, ok := fieldType(t, name)
	if !ok {
		return mask{}, fieldsError(name)
	}
	sub, err := mask{all: true}, error(nil)
	switch {
	case p.accept("/"):
		sub, err = p.item(field)
	case p.accept("("):
		if sub, err = p.list(field); err == nil && !p.accept(")") {
			err = fieldsError(p.rest)
		}
	}
	return mask{sub: map[string]mask{name: sub}}, err
}

// fieldType returns the type of a field of the objects that t is, lists or points to.
func fieldType(t reflect.Type, name string) (reflect.Type, bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Map:
		return t.Elem(), name != "" && !strings.Contains(",()/", name)
	case reflect.Struct:
		for f := range t.Fields() {
			if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name && tag != "" && tag != "-" {
				return f.Type, true
			}
		}
	}
	return nil, false
}
