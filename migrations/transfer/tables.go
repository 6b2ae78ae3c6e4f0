package transfer

// kind is how a value is written.
type kind byte

// The kinds. Only moments may be null.
const (
	text kind = iota
	number
	real
	flag
	moment // to the microsecond, RFC 3339
	binary // base64
)

type column struct {
	name string
	kind kind
}

// table is a table that is moved, in the order of key.
type table struct {
	name    string
	key     string
	counted bool // it gives out numbers that are never used again
	columns []column
}

// tables are in an order in which what is referred to comes first. Not among them
// is what lasts for minutes: failed logins, the link of the first start, and notes
// to other processes.
var tables = []table{
	{"users", "id", true, []column{
		{"id", number},
		{"email", text},
		{"email_key", text},
		{"username", text},
		{"username_key", text},
		{"full_name", text},
		{"role", text},
		{"disabled", flag},
		{"restricted", flag},
		{"password_hash", text},
		{"generation", number},
		{"created_at", moment},
		{"updated_at", moment},
	}},
	{"user_access", "user_id, library", false, []column{{"user_id", number}, {"library", text}, {"kind", text}, {"expression", text}}},
	{"sessions", "id", false, []column{
		{"id", text},
		{"user_id", number},
		{"label", text},
		{"address", text},
		{"turn", number},
		{"token_hash", binary},
		{"created_at", moment},
		{"used_at", moment},
		{"traded_at", moment},
		{"expires_at", moment},
	}},
	{"app_passwords", "id", false, []column{
		{"id", text}, {"user_id", number}, {"label", text}, {"scopes", text}, {"hash", binary}, {"created_at", moment}, {"used_at", moment}, {"address", text},
	}},
	{"events", "id", true, []column{{"id", number}, {"at", moment}, {"action", text}, {"actor", number}, {"user_id", number}, {"address", text}, {"detail", text}}},
	{"marks", "user_id, book", false, []column{
		{"user_id", number},
		{"book", text},
		{"favorite", flag},
		{"favorite_at", moment},
		{"favorite_version", number},
		{"status", text},
		{"started_at", moment},
		{"finished_at", moment},
		{"status_at", moment},
		{"status_version", number},
		{"rating", number},
		{"rating_at", moment},
		{"rating_version", number},
		{"read_at", moment},
		{"positions", number},
		{"forgotten", number},
	}},
	{"places", "user_id, book, family", false, append(position(), column{"since_at", moment}, column{"version", number})},
	{"positions", "user_id, book, n", false, append(position(), column{"n", number}, column{"fate", text})},
	{"lists", "id", false, []column{
		{"id", text},
		{"user_id", number},
		{"n", number},
		{"name", text},
		{"description", text},
		{"public", flag},
		{"deleted", flag},
		{"books", number},
		{"created_at", moment},
		{"changed_at", moment},
		{"version", number},
	}},
	{"list_books", "list_id, book", false, []column{{"list_id", text}, {"book", text}, {"place", number}, {"added_at", moment}}},
	{"preferences", "user_id", false, []column{{"user_id", number}, {"object", text}, {"changed_at", moment}, {"version", number}}},
	{"state_writes", "user_id, id", false, []column{{"user_id", number}, {"id", text}, {"at", moment}}},
}

// position is what places and positions have in common.
func position() []column {
	return []column{
		{"user_id", number},
		{"book", text},
		{"family", text},
		{"locator_type", text},
		{"locator", text},
		{"progression", real},
		{"device", text},
		{"device_id", text},
		{"at", moment},
		{"received_at", moment},
	}
}
