package auth

// Proof is how somebody shows who they are.
type Proof string

// The kinds of proof. ByPassword is also the current password that a change asks
// for, ByToken an access token, BySetup the link with which the first admin is made.
const (
	ByPassword    Proof = "password"
	ByRefresh     Proof = "refresh"
	ByAppPassword Proof = "app_password"
	ByToken       Proof = "bearer"
	ByCookie      Proof = "cookie"
	ByTicket      Proof = "ticket"
	BySetup       Proof = "setup"
)
