package fact

// Corrections are what people say of stays, as facts: nothing that was recorded is edited, and every booth and the cloud
// fold the same. Each carries who said it and why.
//
// Facts that speak of a session name an observation of it: its id, or any of its ends.

// Added says that a person adds an end of a stay of which no device told: an observation. The fact's At is when it
// happened, by the person's word, with Source "person". With a ref it is of the vehicle of that observation, else of the
// hidden plate.
type Added struct {
	Lane string `json:"lane"` // where, or "" when nobody knows
	Dir  Dir    `json:"dir"`
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
	To   string `json:"to,omitempty"` // of an entry: the zone that it came into
}

// Merged says that the sessions of two observations are one stay: what lies between them was no end of it. The first
// observation is of the vehicle of the second from then on.
type Merged struct {
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
}

// Split says that with its observation another stay begins. What was paid before stays with the stay it was cut from.
type Split struct {
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
}

// Voided says that a session is no debt and never was: its bill is not demanded, and what was paid is to be given back.
type Voided struct {
	By   string `json:"by"`
	Note string `json:"note"`
}
