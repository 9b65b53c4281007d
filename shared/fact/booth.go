package fact

// Replaced is said by a box, at its first start, that took the place of another box of its booth: the other one is not
// listened to any more.
type Replaced struct {
	Booth string `json:"booth"`
}

// Rebuilt is said by such a box when it has taken over all that the others could give it.
type Rebuilt struct {
	Booth   string   `json:"booth"`
	Before  []Rest   `json:"before"`            // the logs of the booth's boxes before, by author
	Unheard []string `json:"unheard,omitempty"` // booths, or the cloud, that did not answer: they may hold more
}

// Rest is what there is of a log whose box is gone.
type Rest struct {
	Author Author `json:"author"`
	Held   uint64 `json:"held"` // how far it could be had
	Told   uint64 `json:"told"` // how far it reached, by what its author told anybody who was heard; the difference is lost
}

// Recovered says that a person gave up the booths' group, because too few of its voters will ever come back, and that a
// new one begins at one member. Of several the latest counts: by HLC, then author, then seq.
type Recovered struct {
	Group  string `json:"group"`  // the new group's id
	Member string `json:"member"` // that founds it: the booth, a dot, random letters
	By     string `json:"by"`
	Note   string `json:"note"`
}
