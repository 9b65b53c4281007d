package fact

// RightUse says that a decision rests on a right, as it was at one of its versions.
type RightUse struct {
	ID      string `json:"id"`
	Version uint64 `json:"version"`
	Kind    string `json:"kind"` // "permit", "free", "special", "black", "arrears", "entitled"
	// Full says that other vehicles held all places of the permit: the stay is priced as if it had none.
	Full bool `json:"full,omitempty"`
}
