// Package arch has no code, only tests: of what the packages of this module may
// import, and of rules about source files that linters do not know.
//
//	cmd → httpapi/server → {httpapi, adapters} → contracts → standard library
//
// A contract is a package that says what is promised (catalog, storage, watch);
// an adapter is a package below one. Contracts import the standard library
// only, so that whoever needs a contract compiles nothing else.
package arch
