package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// PasswordOptions are the settings of Passwords. The zero value is what OWASP
// recommends as the least.
type PasswordOptions struct {
	// Memory is what one hash takes, in KiB. 0 means 19 MiB; at least 8 MiB.
	Memory uint32
	// Time is how often argon2id goes over it. 0 means 2.
	Time uint32
	// Concurrent is how many passwords are hashed at a time: it bounds memory,
	// and leaves the other processors to readers. 0 means 1.
	Concurrent int
	// Queue is how many more may wait. 0 means 16; negative none.
	Queue int
	// Derive derives the keys, such as that of a passwordproc.Hasher. nil derives
	// them in this process.
	Derive func(context.Context, Derivation) ([]byte, error)
}

// Derivation is what a key is derived of by argon2id.
type Derivation struct {
	Password, Salt []byte
	Time, Memory   uint32 // passes, and KiB
	Lanes          uint8
	Len            uint32 // of the key, in bytes
}

// Key derives the key, which takes the time and the memory that d says.
func (d Derivation) Key() []byte {
	return argon2.IDKey(d.Password, d.Salt, d.Time, d.Memory, d.Lanes, d.Len)
}

// The bounds of passwords, in bytes. Whoever wants more wants to keep us busy.
const (
	minPassword = 8
	maxPassword = 1024
)

const (
	defaultMemory = 19 << 10
	defaultTime   = 2
	minMemory     = 8 << 10
	saltLen       = 16
	keyLen        = 32
)

// What is accepted of a hash in the database: somebody may have put one there
// that takes all memory.
const (
	maxMemory = 4 << 20 // KiB
	maxTime   = 100
	maxLanes  = 64
)

// Passwords hashes passwords with argon2id (RFC 9106) and verifies them. Hashes
// are strings in the PHC format, which hold their parameters. Safe for
// concurrent use.
type Passwords struct {
	o       PasswordOptions
	turns   chan struct{}
	waiting atomic.Int64
	decoy   phc // what a password is held against where there is no hash
}

// NewPasswords returns an error for options that cannot be used.
func NewPasswords(o PasswordOptions) (*Passwords, error) {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Time == 0 {
		o.Time = defaultTime
	}
	if o.Concurrent == 0 {
		o.Concurrent = 1
	}
	if o.Queue == 0 {
		o.Queue = 16
	}
	switch {
	case o.Memory < minMemory || o.Memory > maxMemory:
		return nil, fmt.Errorf("argon2id: memory of %d KiB: %d to %d were expected", o.Memory, minMemory, maxMemory)
	case o.Time > maxTime:
		return nil, fmt.Errorf("argon2id: %d passes: 1 to %d were expected", o.Time, maxTime)
	case o.Concurrent < 0:
		return nil, fmt.Errorf("argon2id: %d at a time: at least 1 was expected", o.Concurrent)
	}
	p := &Passwords{o: o, turns: make(chan struct{}, o.Concurrent)}
	p.decoy = p.fresh()
	return p, nil
}

// fresh returns the parameters of new hashes, with a new salt.
func (p *Passwords) fresh() phc {
	h := phc{memory: p.o.Memory, time: p.o.Time, lanes: 1, salt: make([]byte, saltLen), key: make([]byte, keyLen)}
	rand.Read(h.salt) // never fails
	return h
}

// CheckPassword returns an InvalidError for a password that cannot be set: NIST
// SP 800-63B asks for length, and for nothing else.
func CheckPassword(password string) error {
	switch {
	case !utf8.ValidString(password):
		return &InvalidError{"password", "text in UTF-8 was expected"}
	case utf8.RuneCountInString(password) < minPassword:
		return &InvalidError{"password", fmt.Sprintf("at least %d characters were expected", minPassword)}
	case len(password) > maxPassword:
		return &InvalidError{"password", fmt.Sprintf("at most %d bytes were expected", maxPassword)}
	}
	return nil
}

// Hash returns the hash of a new password. Errors are those of CheckPassword,
// ErrBusy, and ctx's.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	h := p.fresh()
	key, err := p.derive(ctx, password, h)
	if err != nil {
		return "", err
	}
	h.key = key
	return h.String(), nil
}

// Verify tells whether a password is the one of hash, and if so, whether hash
// should be replaced because its parameters are weaker than those of new ones.
// For "" (there is no account, or no password opens it) the answer is no, and
// takes as long. Errors are ErrBusy, ctx's, and those of a hash that cannot be
// read.
func (p *Passwords) Verify(ctx context.Context, password, hash string) (ok, weak bool, err error) {
	h := p.decoy
	if hash != "" {
		if h, err = parsePHC(hash); err != nil {
			return false, false, err
		}
	}
	if len(password) > maxPassword {
		password = "" // no account has it; it takes as long as others
	}
	key, err := p.derive(ctx, password, h)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(key, h.key) == 1 && hash != "" && password != ""
	return ok, ok && (h.memory < p.o.Memory || h.time < p.o.Time || len(h.key) < keyLen), nil
}

// derive waits for its turn and computes the key.
func (p *Passwords) derive(ctx context.Context, password string, h phc) ([]byte, error) {
	if int(p.waiting.Add(1)) > p.o.Concurrent+max(p.o.Queue, 0) {
		p.waiting.Add(-1)
		return nil, fmt.Errorf("password: %w", ErrBusy)
	}
	defer p.waiting.Add(-1)
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// The same password may come composed from one keyboard and decomposed from
	// another (RFC 8265, OpaqueString).
	d := Derivation{[]byte(norm.NFC.String(password)), h.salt, h.time, h.memory, h.lanes, uint32(len(h.key))}
	if p.o.Derive != nil {
		return p.o.Derive(ctx, d)
	}
	return d.Key(), nil
}

// phc is a hash in the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$salt$key.
type phc struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

func (h phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.lanes, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// errHash does not say what is in the hash.
var errHash = errors.New("the stored hash of the password is not one of argon2id in the PHC format")

func parsePHC(s string) (phc, error) {
	var h phc
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errHash
	}
	var lanes uint32
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &lanes); err != nil {
		return h, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(key) < 16 || len(key) > 128 ||
		h.time < 1 || h.time > maxTime || h.memory < 8*lanes || h.memory > maxMemory || lanes < 1 || lanes > maxLanes {
		return h, errHash
	}
	h.lanes, h.salt, h.key = uint8(lanes), salt, key
	return h, nil
}
